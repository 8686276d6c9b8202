"""The list of a directory."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from portico.static import listing
from portico.static.listing import Entry, list_directory, render_listing
from portico.static.roots import Root


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "x").write_text("x")
    (tmp_path / "b.txt").write_text("bb")
    (tmp_path / "a.txt").write_text("a")
    (tmp_path / ".hidden").write_text("h")
    (tmp_path / "con.txt").write_text("c")
    (tmp_path / "link").symlink_to("a.txt")
    os.mkfifo(tmp_path / "pipe")
    return tmp_path


def test_what_would_be_served_is_listed(folder: Path) -> None:
    assert list_directory(Root(folder), []) == [
        Entry("sub", None),
        Entry("a.txt", 1),
        Entry("b.txt", 2),
    ]
    assert list_directory(Root(folder), ["sub"]) == [Entry("x", 1)]


@pytest.mark.parametrize("names", [["a.txt"], ["link"], ["none"]])
def test_what_is_no_directory(folder: Path, names: list[str]) -> None:
    with pytest.raises(OSError, match=r"\[Errno"):
        list_directory(Root(folder), names)


def test_what_is_gone_meanwhile_is_left_out(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    really = os.lstat

    def vanish(path: str) -> os.stat_result:
        if path.endswith("b.txt"):
            raise FileNotFoundError(path)
        return really(path)

    monkeypatch.setattr("os.lstat", vanish)
    assert [entry.name for entry in list_directory(Root(folder), [])] == ["sub", "a.txt"]


def test_so_many_are_listed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "MAX_LISTED", 1)
    assert len(list_directory(Root(folder), [])) <= 1


@pytest.mark.parametrize(
    ("name", "link", "text"),
    [
        pytest.param("a.txt", "./a.txt", "a.txt", id="plain"),
        pytest.param("<b>.txt", "./%3Cb%3E.txt", "&lt;b&gt;.txt", id="markup"),
        pytest.param('"onload="', "./%22onload=%22", "&quot;onload=&quot;", id="quotes"),
        pytest.param("a&b", "./a&amp;b", "a&amp;b", id="an ampersand"),
        pytest.param("javascript-x", "./javascript-x", "javascript-x", id="no scheme"),
        pytest.param("q?#%", "./q%3F%23%25", "q?#%", id="what parts a URL"),
    ],
)
def test_names_are_escaped(name: str, link: str, text: str) -> None:
    page = render_listing("/<x>/", [Entry(name, 7), Entry("d", None)], has_parent=True)
    assert f'<a href="{link}">{text}</a> <small>7</small>' in page
    assert '<a href="./d/">d/</a>' in page
    assert '<a href="../">../</a>' in page
    assert "<title>/&lt;x&gt;/</title>" in page
