"""What the server tells of the TLS connection: the ASGI TLS extension 0.2."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

__all__ = ("TLS",)

_VERSIONS: Final = {0x0301: "TLSv1", 0x0302: "TLSv1.1", 0x0303: "TLSv1.2", 0x0304: "TLSv1.3"}


@dataclass(frozen=True, slots=True)
class TLS:
    """Facts of a TLS connection; what the server does not tell is ``None`` or empty.

    Certificates are PEM text. ``client_cert_chain`` begins with the client's own; a client is
    only authenticated if it is not empty and ``client_cert_error`` is ``None``.
    ``client_cert_name`` is its subject as RFC 4514 writes it. ``version`` and ``cipher_suite``
    are the numbers of the protocol (0x0304 is TLS 1.3).
    """

    server_cert: str | None
    client_cert_chain: tuple[str, ...]
    client_cert_name: str | None
    client_cert_error: str | None
    version: int | None
    cipher_suite: int | None

    @property
    def version_name(self) -> str | None:
        """The version's name, as ``"TLSv1.3"``; ``None`` if there is none or it is not known."""
        return None if self.version is None else _VERSIONS.get(self.version)

    @classmethod
    def from_extension(cls, extension: Mapping[str, Any]) -> TLS:
        """Read ``scope["extensions"]["tls"]``; keys that are missing count as not told.

        >>> TLS.from_extension({"tls_version": 0x0304}).version_name
        'TLSv1.3'
        """
        return cls(
            server_cert=extension.get("server_cert"),
            client_cert_chain=tuple(extension.get("client_cert_chain") or ()),
            client_cert_name=extension.get("client_cert_name"),
            client_cert_error=extension.get("client_cert_error"),
            version=extension.get("tls_version"),
            cipher_suite=extension.get("cipher_suite"),
        )
