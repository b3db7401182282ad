"""The page as text: golden files, the order of its parts, its size, and hostile content."""

import os
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from plotly.offline import get_plotlyjs

from neurosieve.cli.show import show_summary
from neurosieve.report import render_page
from neurosieve.report.glossary import GLOSSARY
from neurosieve.report.tables import score_table
from neurosieve.summary import Summary
from tests.report.records import HOSTILE, LONG, NAMES, record_of

GOLDEN = Path(__file__).parent / "golden"
ORDER = ("analysed", "scores", "curve", "layers", "cka", "clusters", "set", "classes", "control", "pareto", "words")


class Texts(HTMLParser):
    """Visible texts and the elements of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.tags: list[str] = []
        self.ids: list[str] = []
        self._hidden = 0
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.ids += [value for key, value in attrs if key == "id" and value]
        self._hidden += tag in ("script", "style")

    def handle_endtag(self, tag: str) -> None:
        self._hidden -= tag in ("script", "style")

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.texts.append(data)


def page(name: str) -> str:
    """Without the drawing library."""
    return render_page(record_of(name), "runs/tiny").replace(get_plotlyjs(), "PLOTLY")


@pytest.mark.parametrize("name", ["full", "nothing"])
def test_golden(name: str) -> None:
    """`NEUROSIEVE_GOLDEN=write pytest tests/report` writes the files anew; look at the difference before you commit."""
    file = GOLDEN / f"{name}.html"
    if os.environ.get("NEUROSIEVE_GOLDEN") == "write":
        file.write_text(page(name), encoding="utf-8")
    assert page(name) == file.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", NAMES)
def test_parts_in_order(name: str) -> None:
    read = Texts(page(name))
    assert [i for i in read.ids if i in ORDER] == list(ORDER)
    text = " ".join(read.texts)
    assert all(word in text for word in GLOSSARY)
    assert "neurosieve run runs/tiny/study.yaml --out NEW_FOLDER" in text
    assert text.index("Above majority?") < text.index("What was analysed")


@pytest.mark.parametrize("name", NAMES)
def test_no_more_digits_than_they_carry(name: str) -> None:
    text = " ".join(Texts(page(name)).texts)
    assert not re.findall(r"\d\.\d{4,}", text)
    assert "None" not in text.replace("None of", "")
    assert "nan" not in text.split()


@pytest.mark.parametrize("name", NAMES)
def test_self_contained_and_small(name: str) -> None:
    whole = render_page(record_of(name), "run")
    assert len(whole.encode()) <= 6 * 2**20
    assert not re.search(r"""(?:src|href)=["'](?!#)""", page(name))
    assert "@import" not in page(name)


def test_hostile_texts_stay_texts() -> None:
    page_, plain = page("hostile"), page("full")
    read = Texts(page_)
    assert Texts(plain).tags.count("script") == read.tags.count("script") == 3
    assert "b" not in read.tags
    text = "".join(read.texts)
    assert "<script>alert(1)</script></script><!-- <b>b</b> %{x} {{ 7*7 }}" in text
    assert LONG in text
    assert not {"\u202e", "\x00", "\x1b"} & set(page_)
    assert HOSTILE not in page_


def test_notebook_shows_the_same_cells() -> None:
    shown = Summary(record_of("hostile"))._repr_html_()
    assert "<script>" not in shown
    assert "&lt;script&gt;alert(1)" in shown
    for row in score_table(record_of("full")).rows:
        for cell in row:
            assert cell in Summary(record_of("full"))._repr_html_()


@pytest.mark.parametrize("name", [n for n in NAMES if n != "hostile"])
def test_terminal_shows_the_same_cells(
    name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "250")
    summary = Summary(record_of(name))
    show_summary(summary, Path("runs/tiny"))
    shown = capsys.readouterr().out
    assert "\x1b" not in shown  # no terminal watches
    for row in score_table(summary.record).rows:
        for cell in row:
            assert cell in shown
    assert "runs/tiny/report.html" in shown
