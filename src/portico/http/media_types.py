"""Media types of files, by the ending of their names. A fixed table, the same on every machine.

The machine's own list (``mimetypes``) differs from one to the next, and what it says of ``.js`` has
broken pages; so nothing is read from there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

__all__ = ("MEDIA_TYPES", "OCTET_STREAM", "media_type_of")

OCTET_STREAM: Final = "application/octet-stream"
"""Bytes of which nothing is known: browsers save them."""

MEDIA_TYPES: Final[Mapping[str, str]] = {
    # pages and what they load
    ".html": "text/html",
    ".htm": "text/html",
    ".xhtml": "application/xhtml+xml",
    ".css": "text/css",
    ".js": "text/javascript",  # RFC 9239
    ".mjs": "text/javascript",
    ".json": "application/json",
    ".map": "application/json",
    ".jsonld": "application/ld+json",
    ".geojson": "application/geo+json",
    ".webmanifest": "application/manifest+json",
    ".wasm": "application/wasm",
    ".xml": "application/xml",
    ".xsl": "application/xml",
    ".rss": "application/rss+xml",
    ".atom": "application/atom+xml",
    # text
    ".txt": "text/plain",
    ".text": "text/plain",
    ".log": "text/plain",
    ".md": "text/markdown",
    ".csv": "text/csv",
    ".tsv": "text/tab-separated-values",
    ".ics": "text/calendar",
    ".vcf": "text/vcard",
    ".vtt": "text/vtt",
    ".yaml": "application/yaml",
    ".yml": "application/yaml",
    ".toml": "application/toml",
    # pictures
    ".apng": "image/apng",
    ".avif": "image/avif",
    ".bmp": "image/bmp",
    ".gif": "image/gif",
    ".heic": "image/heic",
    ".ico": "image/vnd.microsoft.icon",
    ".jpeg": "image/jpeg",
    ".jpg": "image/jpeg",
    ".jxl": "image/jxl",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".tif": "image/tiff",
    ".tiff": "image/tiff",
    ".webp": "image/webp",
    # sound and film
    ".aac": "audio/aac",
    ".flac": "audio/flac",
    ".m4a": "audio/mp4",
    ".mp3": "audio/mpeg",
    ".oga": "audio/ogg",
    ".ogg": "audio/ogg",
    ".opus": "audio/ogg",
    ".wav": "audio/wav",
    ".weba": "audio/webm",
    ".m3u8": "application/vnd.apple.mpegurl",
    ".m4v": "video/mp4",
    ".mkv": "video/matroska",
    ".mov": "video/quicktime",
    ".mp4": "video/mp4",
    ".mpd": "application/dash+xml",
    ".mpeg": "video/mpeg",
    ".ogv": "video/ogg",
    ".ts": "video/mp2t",
    ".webm": "video/webm",
    # type
    ".otf": "font/otf",
    ".ttf": "font/ttf",
    ".woff": "font/woff",
    ".woff2": "font/woff2",
    # documents and archives
    ".7z": "application/x-7z-compressed",
    ".bz2": "application/x-bzip2",
    ".doc": "application/msword",
    ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ".epub": "application/epub+zip",
    ".gz": "application/gzip",
    ".odp": "application/vnd.oasis.opendocument.presentation",
    ".ods": "application/vnd.oasis.opendocument.spreadsheet",
    ".odt": "application/vnd.oasis.opendocument.text",
    ".pdf": "application/pdf",
    ".ppt": "application/vnd.ms-powerpoint",
    ".pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    ".rtf": "application/rtf",
    ".tar": "application/x-tar",
    ".tgz": "application/gzip",
    ".xls": "application/vnd.ms-excel",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ".xz": "application/x-xz",
    ".zip": "application/zip",
    ".zst": "application/zstd",
}
"""Media types by ending, in lower case, with its dot."""


def media_type_of(name: str, types: Mapping[str, str] = MEDIA_TYPES) -> str:
    """Tell the media type of a file by the ending of its name; ``OCTET_STREAM`` if unknown.

    ``types`` is another table, such as ``{**MEDIA_TYPES, ".glb": "model/gltf-binary"}``. Case
    does not count.

    >>> media_type_of("site.CSS"), media_type_of("Makefile")
    ('text/css', 'application/octet-stream')
    """
    dot = name.rfind(".")
    return OCTET_STREAM if dot < 0 else types.get(name[dot:].lower(), OCTET_STREAM)
