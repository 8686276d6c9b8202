"""Media types by ending."""

from __future__ import annotations

import pytest

from portico.http.media import parse_media_type
from portico.http.media_types import MEDIA_TYPES, media_type_of


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("site.css", "text/css"),
        ("SITE.CSS", "text/css"),
        ("app.min.js", "text/javascript"),
        ("archive.tar.gz", "application/gzip"),
        ("Makefile", "application/octet-stream"),
        ("a.unheard-of", "application/octet-stream"),
        (".", "application/octet-stream"),
        ("", "application/octet-stream"),
    ],
)
def test_by_ending(name: str, expected: str) -> None:
    assert media_type_of(name) == expected


def test_another_table() -> None:
    assert media_type_of("a.glb", {**MEDIA_TYPES, ".glb": "model/gltf-binary"}) == (
        "model/gltf-binary"
    )


@pytest.mark.parametrize("ending", MEDIA_TYPES)
def test_the_table(ending: str) -> None:
    assert ending == ending.lower()
    assert ending.startswith(".")
    assert str(parse_media_type(MEDIA_TYPES[ending])) == MEDIA_TYPES[ending]
