"""Text from bytes, by the charset that a peer names.

A peer's word never reaches Python's codec registry: that knows names that are no charsets
(``zip``, ``idna``, ``unicode_escape``). The list is the names in the WHATWG Encoding Standard whose
charsets Python decodes, and the other labels of UTF-8, ASCII and latin-1.
"""

from __future__ import annotations

from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from typing import Final

from portico.errors import BadInput, UnsupportedMediaType

__all__ = ("decode_text",)

_CODECS: Final = {
    "utf-8": "utf-8",
    "utf8": "utf-8",
    "us-ascii": "ascii",
    "ascii": "ascii",
    "latin1": "latin-1",
    "iso-8859-1": "latin-1",
    "utf-16": "utf-16",
    "utf-16le": "utf-16-le",
    "utf-16be": "utf-16-be",
    "gbk": "gbk",
    "gb2312": "gbk",
    "gb18030": "gb18030",
    "big5": "big5",
    "euc-jp": "euc_jp",
    "iso-2022-jp": "iso2022_jp",
    "shift_jis": "shift_jis",
    "euc-kr": "euc_kr",
    "koi8-r": "koi8_r",
    "koi8-u": "koi8_u",
    "ibm866": "cp866",
    "macintosh": "mac_roman",
    "x-mac-cyrillic": "mac_cyrillic",
    **{f"iso-8859-{part}": f"iso8859_{part}" for part in (*range(2, 12), 13, 14, 15, 16)},
    **{f"windows-{page}": f"cp{page}" for page in (874, *range(1250, 1259))},
}


def decode_text(data: bytes, charset: str = "utf-8") -> str:
    r"""Decode ``data`` strictly; the name of ``charset`` is case-blind.

    Raises ``UnsupportedMediaType`` (415) for a charset that is not known here, and ``BadInput``
    (400) for bytes that are not text in it.

    >>> decode_text(b"caf\xe9", "ISO-8859-1")
    'café'
    """
    codec = _CODECS.get(charset.lower())
    if codec is None:
        raise UnsupportedMediaType(["text/plain; charset=utf-8"], "has a charset that is not known")
    if codec == "utf-16" and not data.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):
        codec = "utf-16-le"  # Encoding 4.2; without a mark Python takes the order of the machine
    try:
        return data.decode(codec)
    except UnicodeDecodeError:
        raise BadInput("body", f"is not text in {codec}") from None
