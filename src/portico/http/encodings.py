"""Content codings: RFC 9110 section 8.4.1, as push decoders. Bytes in, bytes out.

``make_decoder`` gives the decoder of a coding. What comes out comes in pieces, so that nobody has
to hold what a small input may grow to; how much of it is read is for the caller to say. A decoder
itself stops what is only made to grow: a *bomb*.
"""

from __future__ import annotations

import zlib
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator
from typing import Any, Final, final

from portico._optional import import_extra
from portico.errors import BadInput, ContentTooLarge, UnsupportedContentEncoding
from portico.http.grammar import split_list

__all__ = ("DECODERS", "MAX_RATIO", "Decoder", "content_coding", "make_decoder")

MAX_RATIO: Final = 100
"""Bytes that may come out for each that went in, once a mebibyte has come out."""

_UNCHECKED_BYTES: Final = 1024 * 1024

_MAX_OVERHEAD: Final = 8
"""Bytes that may go in for each that comes out, once a mebibyte has gone in: empty members and
blocks of gzip, zstd and others hold nothing, however many there are."""

_PIECE_BYTES: Final = 64 * 1024
"""What comes out at once, at most."""

_INPUT_BYTES: Final = 8 * 1024
"""What goes in at once: what follows the end of a gzip member is copied for each member."""

_WINDOW_LOG: Final = 23  # RFC 9659: 8 MiB of memory for one peer, not the 128 that it may ask for


class Decoder(ABC):
    """Decodes one body that is handed over in pieces of any size."""

    def __init__(self) -> None:
        self._taken_bytes: int = 0
        self._given_bytes: int = 0

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Take the next piece; give what comes out, in pieces of up to 64 KiB.

        Go through it to the end before the next. Raises ``BadInput`` (400) for what is not in the
        coding, and ``ContentTooLarge`` (413) for a bomb, and for a mebibyte with next to nothing in
        it: what is counted of content never stops that.
        """
        for at in range(0, len(data), _INPUT_BYTES):
            part = data[at : at + _INPUT_BYTES]
            self._taken_bytes += len(part)
            for piece in self._decode(part):
                self._given_bytes += len(piece)
                if self._given_bytes > max(_UNCHECKED_BYTES, MAX_RATIO * self._taken_bytes):
                    raise ContentTooLarge("content-encoding", MAX_RATIO, unit="bytes for each")
                yield piece
            if self._taken_bytes > max(_UNCHECKED_BYTES, _MAX_OVERHEAD * self._given_bytes):
                unit = "bytes for each byte of content"
                raise ContentTooLarge("content-encoding", _MAX_OVERHEAD, unit=unit)

    @abstractmethod
    def _decode(self, data: bytes) -> Iterator[bytes]: ...

    @abstractmethod
    def close(self) -> None:
        """Say that the body has ended. Raises ``BadInput`` if it was cut short."""


class _Zlib(Decoder):
    """``gzip`` (RFC 1952), members one after the other."""

    _window_bits: int = 16 + zlib.MAX_WBITS
    _has_members: bool = True

    def __init__(self) -> None:
        super().__init__()
        self._inflater: Any = zlib.decompressobj(self._window_bits)

    def _decode(self, data: bytes) -> Iterator[bytes]:
        while data:
            if self._inflater.eof:
                if not self._has_members:
                    raise _malformed()
                self._inflater = zlib.decompressobj(self._window_bits)
            piece = self._inflate(data)
            data = self._inflater.unused_data or self._inflater.unconsumed_tail
            if piece:
                yield piece
        # What is left inside when all input was taken.
        while not self._inflater.eof and (piece := self._inflate(b"")):
            yield piece

    def _inflate(self, data: bytes) -> bytes:
        try:
            piece: bytes = self._inflater.decompress(data, _PIECE_BYTES)
        except zlib.error:
            raise _malformed() from None
        return piece

    def close(self) -> None:
        """Say that the body has ended."""
        if self._taken_bytes and not self._inflater.eof:
            raise _cut_short()


@final
class _Deflate(_Zlib):
    """``deflate``: zlib (RFC 1950), and the bare stream that some clients send (RFC 9110 8.4.1.2).

    The first two bytes tell which it is: as a number, those of zlib are a multiple of 31.
    """

    _has_members = False

    def __init__(self) -> None:
        super().__init__()
        self._head: bytes | None = b""

    def _decode(self, data: bytes) -> Iterator[bytes]:
        if self._head is not None:
            data = self._head + data
            if len(data) < 2:
                self._head = data
                return
            self._head = None
            is_zlib = data[0] & 15 == 8 and int.from_bytes(data[:2], "big") % 31 == 0
            self._inflater = zlib.decompressobj(zlib.MAX_WBITS if is_zlib else -zlib.MAX_WBITS)
        yield from super()._decode(data)


@final
class _Brotli(Decoder):
    """``br`` (RFC 7932)."""

    def __init__(self) -> None:
        super().__init__()
        self._brotli: Any = import_extra("brotli", "compression")
        self._inflater: Any = self._brotli.Decompressor()

    def _decode(self, data: bytes) -> Iterator[bytes]:
        try:
            if self._inflater.is_finished():
                raise _malformed()
            piece = self._inflater.process(data, output_buffer_limit=_PIECE_BYTES)
            while piece:
                yield piece
                piece = self._inflater.process(b"", output_buffer_limit=_PIECE_BYTES)
        except self._brotli.error:
            raise _malformed() from None

    def close(self) -> None:
        """Say that the body has ended."""
        if self._taken_bytes and not self._inflater.is_finished():
            raise _cut_short()


@final
class _Zstandard(Decoder):
    """``zstd`` (RFC 8878, in the window of RFC 9659), frames one after the other."""

    def __init__(self) -> None:
        super().__init__()
        self._zstd: Any = _import_zstd()
        self._inflater: Any = self._make()

    def _make(self) -> Any:
        option = self._zstd.DecompressionParameter.window_log_max
        return self._zstd.ZstdDecompressor(options={option: _WINDOW_LOG})

    def _decode(self, data: bytes) -> Iterator[bytes]:
        try:
            while data or not (self._inflater.needs_input or self._inflater.eof):
                if self._inflater.eof:
                    self._inflater = self._make()
                piece = self._inflater.decompress(data, _PIECE_BYTES)
                data = self._inflater.unused_data if self._inflater.eof else b""
                if piece:
                    yield piece
        except self._zstd.ZstdError:
            raise _malformed() from None

    def close(self) -> None:
        """Say that the body has ended."""
        if self._taken_bytes and not self._inflater.eof:
            raise _cut_short()


DECODERS: Final[dict[str, type[Decoder]]] = {
    "gzip": _Zlib,
    "x-gzip": _Zlib,  # RFC 9110 8.4.1.3
    "deflate": _Deflate,
    "br": _Brotli,
    "zstd": _Zstandard,
}
"""The codings that can be decoded, by name."""


def content_coding(value: str, accepted: Collection[str]) -> str | None:
    """Read a Content-Encoding field; give the coding, ``None`` if there is none but ``identity``.

    Raises ``UnsupportedContentEncoding`` (415) for one that is not among ``accepted``, and for
    several codings: each may make a body a thousand times as large.
    """
    codings = [coding.lower() for coding in split_list(value)]
    codings = [coding for coding in codings if coding != "identity"]
    if not codings:
        return None
    if len(codings) > 1 or codings[0] not in DECODERS or codings[0] not in accepted:
        raise UnsupportedContentEncoding(sorted(accepted))
    return codings[0]


def make_decoder(coding: str) -> Decoder:
    """Make the decoder of a coding, one of ``DECODERS``.

    Raises ``ImportError``, with the line to type, if its library is not installed.

    >>> decoder = make_decoder("gzip")
    >>> import gzip
    >>> b"".join(decoder.feed(gzip.compress(b"hello")))
    b'hello'
    """
    return DECODERS[coding]()


def _import_zstd() -> Any:
    return import_extra("backports.zstd", "compression")


def _malformed() -> BadInput:
    return BadInput("body", "is not in the coding that content-encoding names")


def _cut_short() -> BadInput:
    return BadInput("body", "ends in the middle of its content-encoding")
