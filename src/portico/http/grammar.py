"""The common grammar of field values: RFC 9110 section 5.6.

Tokens, quoted strings, lists and parameters, over text. What a list or a parameter means is told
by the module of its field; what may stand in a field at all, by ``headers``.
"""

from __future__ import annotations

import re
from typing import Final

__all__ = ("TOKEN", "is_token", "parse_parameters", "quote_string", "split_list")

TOKEN: Final = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"  # noqa: S105 - no password
"""A token (RFC 9110 5.6.2), as a regular expression."""

_TOKEN: Final = re.compile(TOKEN)

# qdtext and what a quoted-pair may carry, obs-text included (5.6.4).
_QUOTABLE: Final = re.compile(r"[\t -~\x80-\xff]*")

# Each alternative begins with another character and none can give back what it took, so reading is
# linear. In a list the end of the text stands for a closing quote that is missing.
_QUOTED: Final = r'"[^"\\]*+(?:\\.[^"\\]*+)*+'
_QUOTED_STRING: Final = re.compile(_QUOTED + '"', re.DOTALL)
_ESCAPE: Final = re.compile(r"\\(.)", re.DOTALL)
_ELEMENTS: Final = {
    separator: re.compile(rf'(?:[^"{separator}]++|{_QUOTED}(?:"|\\?\Z))++', re.DOTALL)
    for separator in ",;"
}


def is_token(text: str) -> bool:
    """Tell whether ``text`` is a token: one or more of the characters of RFC 9110 5.6.2.

    >>> is_token("x-tag"), is_token("x tag"), is_token("")
    (True, False, False)
    """
    return _TOKEN.fullmatch(text) is not None


def quote_string(text: str) -> str:
    r"""Write ``text`` as a quoted-string (RFC 9110 5.6.4).

    Raises ``ValueError`` for a control character other than tab and for a character that latin-1
    has not: a quoted-string has no way to carry them.

    >>> print(quote_string('say "hi"'))
    "say \"hi\""
    """
    if _QUOTABLE.fullmatch(text) is None:
        raise ValueError("a quoted-string has no control characters and none outside latin-1")
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def split_list(value: str, separator: str = ",") -> list[str]:
    """Split a field value at ``separator`` (``","`` or ``";"``), but not inside quoted strings.

    Spaces and tabs around an element are dropped, and so are empty elements (RFC 9110 5.6.1.2);
    quoted strings stay as they are written. A quoted string that nobody closed reaches to the end.
    Raises ``ValueError`` for another separator.

    >>> split_list('a, "b,c" ,, d')
    ['a', '"b,c"', 'd']
    """
    if separator not in _ELEMENTS:
        raise ValueError("the separator is ',' or ';'")
    found = _ELEMENTS[separator].findall(value) if '"' in value else value.split(separator)
    stripped = [element.strip(" \t") for element in found]
    return [element for element in stripped if element]


def parse_parameters(value: str) -> tuple[str, dict[str, str]]:
    """Read ``main; name=value; name="value"`` (RFC 9110 5.6.6) into its main part and parameters.

    The main part is as it was written, without the blanks around it; ``""`` if there is none.
    Names are in lower case, quoted values without their quotes and escapes. The first of two
    parameters with one name counts. What is no parameter (a name that is no token, no value, a
    blank beside the ``=``, a quote inside a value or never closed) is left out: nothing is raised,
    as the caller knows best what it cannot do without. Unquoted values may hold more than tokens
    do, for senders write ``filename=my file.txt``.

    >>> parse_parameters('form-data; name="a;b"; FileName=c')
    ('form-data', {'name': 'a;b', 'filename': 'c'})
    """
    main, _, rest = value.partition(";")
    parameters: dict[str, str] = {}
    for element in split_list(rest, ";"):
        name, equals, text = element.partition("=")
        if not equals or not is_token(name):
            continue
        if text.startswith('"'):
            if _QUOTED_STRING.fullmatch(text) is None:
                continue
            text = _ESCAPE.sub(r"\1", text[1:-1])
        elif '"' in text or text[:1] in {"", " ", "\t"}:
            continue
        parameters.setdefault(name.lower(), text)
    return main.strip(" \t"), parameters
