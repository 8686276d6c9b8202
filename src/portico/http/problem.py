"""Problem details: RFC 9457, and how people read them.

``Problem`` is the value; it is rendered for programs (JSON, from ``as_dict``), terminals
(``as_text``) and browsers (``as_html``). Which of them a client gets is decided elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from typing import Final, final

from portico.errors import phrase
from portico.http._controls import visible

__all__ = ("Problem",)

_MEMBERS: Final = frozenset({"type", "title", "status", "detail", "instance"})

# Nothing is fetched and nothing runs, so the page is the same under any content security policy;
# one that forbids inline style leaves it plain.
_PAGE: Final = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<title>{heading}</title>
<style>
:root {{ color-scheme: light dark; --ink: #1d2430; --soft: #5b6676; --paper: #f6f7f9;
  --line: #d9dee6; --accent: #a8480c; }}
@media (prefers-color-scheme: dark) {{
  :root {{ --ink: #e8ebf0; --soft: #9aa5b5; --paper: #14181f; --line: #2e3643; --accent: #f0a36b; }}
}}
body {{ margin: 0; min-height: 100vh; display: grid; place-items: center; background: var(--paper);
  color: var(--ink); font: 1rem/1.6 system-ui, sans-serif; }}
main {{ box-sizing: border-box; width: min(40rem, 100%); padding: 2rem 1.5rem; }}
.status {{ margin: 0; color: var(--accent); font: 600 1rem/1.6 ui-monospace, monospace; }}
h1 {{ margin: 0 0 1rem; font-size: clamp(1.6rem, 6vw, 2.4rem); line-height: 1.2; }}
.detail {{ margin: 0; padding-top: 1rem; border-top: 1px solid var(--line); color: var(--soft);
  white-space: pre-wrap; overflow-wrap: anywhere; }}
</style>
</head>
<body>
<main>
<p class="status">{status}</p>
<h1>{title}</h1>{detail}
</main>
</body>
</html>
"""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """What went wrong with a request (RFC 9457 3.1).

    - ``status``: the status code of the answer, 100 to 599.
    - ``title``: the kind of problem in a few words; ``None``: the status's phrase.
    - ``type``: a URI that names the kind; ``"about:blank"``: no more than the status says.
    - ``detail``: what happened this time, for a person; ``None``: nothing to add.
    - ``instance``: a URI of this occurrence.
    - ``extensions``: further members, of values that JSON has; they are for programs and not shown
      in text and HTML. Those named like one of the five members are left out.

    Raises ``ValueError`` for a status outside 100 to 599.

    >>> Problem(status=404, detail="no note", extensions={"note": 7}).as_dict()
    {'type': 'about:blank', 'title': 'Not Found', 'status': 404, 'detail': 'no note', 'note': 7}
    """

    status: int
    title: str | None = None
    type: str = "about:blank"
    detail: str | None = None
    instance: str | None = None
    extensions: Mapping[str, object] = field(default_factory=dict[str, object])

    def __post_init__(self) -> None:
        if not 100 <= self.status <= 599:
            raise ValueError(f"a problem's status is 100 to 599, not {self.status}")

    def as_dict(self) -> dict[str, object]:
        """Give the members of the JSON object, those that are ``None`` left out."""
        members: dict[str, object] = {
            "type": self.type,
            "title": self._title,
            "status": int(self.status),
        }
        if self.detail is not None:
            members["detail"] = self.detail
        if self.instance is not None:
            members["instance"] = self.instance
        # 3.2: an extension is a member beside these, never one of them.
        members |= {name: value for name, value in self.extensions.items() if name not in _MEMBERS}
        return members

    def as_text(self) -> str:
        """Give a line of status and title, and the detail below it; no control characters.

        >>> print(Problem(status=404, detail="no such note").as_text(), end="")
        404 Not Found
        no such note
        """
        detail = self._own_detail
        return visible(f"{self._heading}\n{detail}\n" if detail else f"{self._heading}\n")

    def as_html(self) -> str:
        """Give a whole HTML page: everything escaped, nothing fetched, in light and dark."""
        detail = self._own_detail
        return _PAGE.format(
            heading=escape(self._heading),
            status=int(self.status),
            title=escape(self._title),
            detail=f'\n<p class="detail">{escape(detail)}</p>' if detail else "",
        )

    @property
    def _title(self) -> str:
        return phrase(self.status) if self.title is None else self.title

    @property
    def _heading(self) -> str:
        return f"{int(self.status)} {self._title}"

    @property
    def _own_detail(self) -> str | None:
        """The detail, unless it only repeats the title."""
        return None if self.detail == self._title else self.detail
