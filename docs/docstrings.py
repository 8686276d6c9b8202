"""For the site: what docstrings show as code becomes a code block. Used by mkdocs.yml."""

from __future__ import annotations

import re

from griffe import Extension, Object

_EXAMPLE = re.compile(r"^>>> .*(?:\n(?!\s*$).*)*", re.MULTILINE)
_DRAWING = re.compile(r"^(?:=+ +=+|.*[├└]──).*(?:\n(?!\s*$).*)*", re.MULTILINE)


class CodeBlocks(Extension):
    """Puts examples, tables and drawings into fences, before Markdown sees them."""

    def on_object(self, *, obj: Object, **kwargs: object) -> None:
        if obj.docstring:
            text = _EXAMPLE.sub(r"```pycon\n\g<0>\n```", obj.docstring.value)
            text = _DRAWING.sub(r"```text\n\g<0>\n```", text)
            obj.docstring.value = re.sub(r"::\n\n( {4}.*\n)", r":\n\n\1", text)
