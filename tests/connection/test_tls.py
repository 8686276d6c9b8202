"""What the server tells of the TLS connection (ASGI TLS extension 0.2)."""

from __future__ import annotations

import dataclasses

import pytest

from portico.connection.tls import TLS

WHOLE = {
    "server_cert": "-----BEGIN",
    "client_cert_chain": ["own", "issuer"],
    "client_cert_name": "CN=ann,O=example",
    "client_cert_error": None,
    "tls_version": 0x0304,
    "cipher_suite": 0x1301,
}


def test_all_that_a_server_can_tell() -> None:
    assert TLS.from_extension(WHOLE) == TLS(
        server_cert="-----BEGIN",
        client_cert_chain=("own", "issuer"),
        client_cert_name="CN=ann,O=example",
        client_cert_error=None,
        version=0x0304,
        cipher_suite=0x1301,
    )


@pytest.mark.parametrize("key", WHOLE)
@pytest.mark.parametrize("is_missing", [True, False], ids=["missing", "None"])
def test_what_a_server_does_not_tell(key: str, is_missing: bool) -> None:
    told = {name: value for name, value in WHOLE.items() if name != key}
    if not is_missing:
        told[key] = None
    name = "version" if key == "tls_version" else key
    expected = () if key == "client_cert_chain" else None
    assert getattr(TLS.from_extension(told), name) == expected


@pytest.mark.parametrize(
    ("version", "name"),
    [
        (0x0301, "TLSv1"),
        (0x0302, "TLSv1.1"),
        (0x0303, "TLSv1.2"),
        (0x0304, "TLSv1.3"),
        (0x0305, None),
        (None, None),
    ],
)
def test_version_name(version: int | None, name: str | None) -> None:
    assert TLS.from_extension({"tls_version": version}).version_name == name


def test_facts_are_not_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        TLS.from_extension({}).version = 3  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
