from __future__ import annotations

from time import perf_counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portico.http.accept import (
    MAX_ELEMENTS,
    Accept,
    AcceptCharset,
    AcceptEncoding,
    AcceptLanguage,
)

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"


@pytest.mark.parametrize(
    ("text", "offers", "expected"),
    [
        pytest.param(None, ["a/b", "c/d"], "a/b", id="no field takes everything (12.5.1)"),
        pytest.param("", ["a/b"], None, id="an empty field takes nothing"),
        pytest.param("a/b", [], None, id="no offers"),
        pytest.param(BROWSER, ["application/problem+json", "text/html"], "text/html", id="browser"),
        pytest.param("*/*", ["a/b", "c/d"], "a/b", id="ties in the server's order"),
        pytest.param("a/b;q=0.5, c/d", ["a/b", "c/d"], "c/d", id="weight"),
        pytest.param("a/b;q=0", ["a/b"], None, id="q=0 refuses (12.4.2)"),
        pytest.param("*/*, a/b;q=0", ["a/b", "c/d"], "c/d", id="q=0 is more specific"),
        pytest.param("a/*;q=0.2, a/b;q=0.1", ["a/b", "a/c"], "a/c", id="specific before general"),
        pytest.param("A/B;X=1", ["a/b;x=1"], "a/b;x=1", id="case of names"),
        pytest.param("a/b;x=A", ["a/b;x=a"], None, id="case of values counts"),
        pytest.param("a/b;x=1", ["a/b"], None, id="a range with a parameter is narrower"),
        pytest.param("a/b", ["a/b;x=1"], "a/b;x=1", id="a range without is wider"),
        pytest.param('a/b;x="1"', ["a/b; x=1"], "a/b; x=1", id="quotes do not matter"),
        pytest.param("a/b;x=1;q=0.1, a/b;q=0.9", ["a/b;x=1", "a/b"], "a/b", id="parameters"),
        pytest.param("a/b;q=0.9;x=1", ["a/b;x=1"], "a/b;x=1", id="q may stand anywhere (12.5.1)"),
        pytest.param("a/b;charset=utf-8", ["a/b"], "a/b", id="an offer without a charset fits"),
        pytest.param(
            "a/b;charset=UTF-8", ["a/b;charset=utf-8"], "a/b;charset=utf-8", id="charset's case"
        ),
        pytest.param("a/b;charset=x", ["a/b;charset=y"], None, id="another charset"),
        pytest.param("a/b;charset=x;y=1", ["a/b"], None, id="more than the charset is missing"),
        pytest.param("a/b;q=0, a/b", ["a/b"], None, id="the first of two counts"),
        pytest.param("*; q=.2", ["a/b"], "a/b", id="as an old client library writes it"),
        pytest.param("a/b, c", ["c", "a/b"], "a/b", id="what is no range is skipped"),
        pytest.param("*/b, a/b;x;q=1", ["a/b"], None, id="malformed ranges"),
        pytest.param("a/b", ["nonsense", "a/b"], "a/b", id="an offer that is no type"),
    ],
)
def test_accept(text: str | None, offers: list[str], expected: str | None) -> None:
    assert Accept.parse(text).best_match(offers) == expected


@pytest.mark.parametrize(
    ("weight", "expected"),
    [
        ("0", 0.0),
        ("0.", 0.0),
        ("0.000", 0.0),
        ("0.001", 0.001),
        (".5", 0.5),
        ("1", 1.0),
        ("1.", 1.0),
        ("1.000", 1.0),
        ("1.1", 0.0),
        ("2", 0.0),
        ("-1", 0.0),
        ("0.1234", 0.0),
        ("1.0000", 0.0),
        ("1e0", 0.0),
        ("nan", 0.0),
        ("", 0.0),
        ("\u0661", 0.0),
        ("0_1", 0.0),
    ],
)
def test_weights(weight: str, expected: float) -> None:
    assert Accept.parse(f"a/b;q={weight}").quality("a/b") == expected
    assert Accept.parse(f"a/b;x=1;Q={weight}").quality("a/b;x=1") == expected
    assert AcceptEncoding.parse(f"br ; q={weight}").quality("br") == expected
    assert AcceptCharset.parse(f"utf-8;q={weight}").quality("utf-8") == expected
    assert AcceptLanguage.parse(f"en; Q={weight}").quality("en") == expected


def test_accept_in_order_of_preference() -> None:
    accept = Accept.parse("*/*, a/*, a/b, a/c;x=1, d/e;q=0.5, f/g;q=0, h/i;q=0.7")
    listed = [str(media_type) for media_type in accept]
    assert listed == ["a/c; x=1", "a/b", "a/*", "*/*", "h/i", "d/e"]
    assert [str(media_type) for media_type in Accept.parse(None)] == ["*/*"]


def test_accepts() -> None:
    accept = Accept.parse("text/*, text/html;q=0")
    assert accept.accepts("text/plain")
    assert not accept.accepts("text/html")
    assert not accept.accepts("image/png")


@pytest.mark.parametrize(
    ("text", "offers", "expected"),
    [
        pytest.param(None, ["gzip"], "gzip", id="no field takes every coding (12.5.3)"),
        pytest.param("", ["gzip", "identity"], "identity", id="empty: no coding"),
        pytest.param("gzip", ["identity", "gzip"], "gzip", id="identity unnamed comes last"),
        pytest.param("gzip;q=0", ["gzip", "identity"], "identity", id="identity is taken"),
        pytest.param("identity;q=0", ["identity"], None, id="unless refused"),
        pytest.param("*;q=0", ["identity"], None, id="unless all is refused"),
        pytest.param("*;q=0, identity;q=0.1", ["identity"], "identity", id="but named"),
        pytest.param("*;q=0.5, gzip;q=0", ["gzip", "br"], "br", id="star"),
        pytest.param("X-GZip", ["gzip"], "gzip", id="x-gzip is gzip (8.4.1.3)"),
        pytest.param("gzip", ["x-gzip"], "x-gzip", id="and the other way"),
        pytest.param("gz ip, br", ["br", "identity"], "br", id="malformed elements are skipped"),
    ],
)
def test_accept_encoding(text: str | None, offers: list[str], expected: str | None) -> None:
    assert AcceptEncoding.parse(text).best_match(offers) == expected


@pytest.mark.parametrize(
    ("text", "offers", "expected"),
    [
        pytest.param(None, ["utf-8"], "utf-8", id="no field (12.5.2)"),
        pytest.param("utf-8;q=0.5, *", ["UTF-8", "koi8-r"], "koi8-r", id="star"),
        pytest.param("UTF-8", ["utf-8"], "utf-8", id="case"),
        pytest.param("utf-8", ["koi8-r"], None, id="not named"),
    ],
)
def test_accept_charset(text: str | None, offers: list[str], expected: str | None) -> None:
    assert AcceptCharset.parse(text).best_match(offers) == expected


@pytest.mark.parametrize(
    ("text", "offers", "expected", "looked_up"),
    [
        pytest.param(None, ["en"], "en", None, id="no field (12.5.4)"),
        pytest.param("en", ["en-GB"], "en-GB", None, id="range is a prefix (RFC 4647 3.3.1)"),
        pytest.param("en", ["eng"], None, None, id="of whole subtags"),
        pytest.param("en-GB", ["en"], None, "en", id="tag is a prefix (RFC 4647 3.4)"),
        pytest.param("de-Latn-x-a", ["de-Latn"], None, "de-Latn", id="singletons"),
        pytest.param("EN-us", ["En-US"], "En-US", "En-US", id="case"),
        pytest.param("en;q=0.5, en-GB", ["en-US", "en-GB"], "en-GB", "en-GB", id="weight"),
        pytest.param("en, en-GB;q=0", ["en-GB"], None, None, id="the longest range decides"),
        pytest.param("en-GB, en;q=0", ["en"], None, None, id="refused in lookup too"),
        pytest.param("fr;q=0.5, *;q=0.1", ["de", "fr"], "fr", "fr", id="star"),
        pytest.param("a-b-c-d-e-f-g-h-i, en", ["a", "en"], "en", "en", id="too many subtags"),
        pytest.param("en_GB, englishlanguage, de", ["en", "de"], "de", "de", id="malformed"),
    ],
)
def test_accept_language(
    text: str | None, offers: list[str], expected: str | None, looked_up: str | None
) -> None:
    languages = AcceptLanguage.parse(text)
    assert languages.best_match(offers) == expected
    assert languages.lookup(offers) == looked_up


def test_names_in_order_of_preference() -> None:
    assert list(AcceptLanguage.parse("*, de-AT, en;q=0.5, fr;q=0")) == ["de-at", "*", "en"]
    assert list(AcceptEncoding.parse("x-gzip;q=0.5, br")) == ["br", "gzip"]
    assert list(AcceptCharset.parse("a, A;q=0.5, b")) == ["a", "b"]


@pytest.mark.parametrize(("count", "expected"), [(MAX_ELEMENTS - 1, 1.0), (MAX_ELEMENTS, 0.0)])
def test_elements_are_bounded(count: int, expected: float) -> None:
    names = "".join(f"a{index}, " for index in range(count))
    types = "".join(f"a/{index}, " for index in range(count))
    assert Accept.parse(f"{types}x/y").quality("x/y") == expected
    assert AcceptCharset.parse(f"{names}xy").quality("xy") == expected
    assert AcceptEncoding.parse(f"{names}xy").quality("xy") == expected
    assert AcceptLanguage.parse("en, " * count + "xy").quality("xy") == expected


@given(st.text(), st.lists(st.text(), max_size=3))
def test_any_text_can_be_read(text: str, offers: list[str]) -> None:
    for kind in (Accept, AcceptCharset, AcceptEncoding, AcceptLanguage):
        field = kind.parse(text)
        assert field.best_match(offers) in {None, *offers}
        assert all(0 <= field.quality(offer) <= 1 for offer in offers)
        list(field)


@pytest.mark.parametrize("piece", [",", "a/b,", 'a/b;c="', ";", " ", "a-", "a/b;q=0.", "\\", "a"])
def test_cost_is_linear(piece: str) -> None:
    started = perf_counter()
    text = piece * 50_000
    Accept.parse(text).best_match(["a/b"])
    AcceptEncoding.parse(text).best_match(["gzip"])
    AcceptLanguage.parse(text).lookup(["en"])
    assert perf_counter() - started < 1
