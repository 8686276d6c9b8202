"""Text for people, without what a terminal or a reader's eye would obey."""

from __future__ import annotations

from typing import Final

__all__ = ("visible",)

# C0 but tab and newline, DEL and C1, which a terminal might obey; then what hides or turns text:
# marks, line separators and bidirectional controls (Unicode TR 36, 3.2).
_ESCAPES: Final = {
    code: f"\\x{code:02x}" for code in (*range(9), *range(11, 32), *range(127, 160))
} | {
    code: f"\\u{code:04x}"
    for code in (0x061C, *range(0x200B, 0x2010), *range(0x2028, 0x202F), *range(0x2066, 0x206A))
}


def visible(text: str) -> str:
    r"""Write control characters, but tab and newline, as escapes that can be seen.

    >>> visible("\x1b[2J\u202e")
    '\\x1b[2J\\u202e'
    """
    return text if text.isascii() and text.isprintable() else text.translate(_ESCAPES)
