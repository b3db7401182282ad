"""The page as text: golden files, the order of its parts, its size, and hostile content."""

import os
import re
from base64 import b64encode
from dataclasses import replace
from functools import cache
from hashlib import sha256
from html.parser import HTMLParser
from importlib.resources import files
from pathlib import Path

import pytest

from neurosieve.cli.show import show_summary
from neurosieve.report import render_page
from neurosieve.report.glossary import GLOSSARY
from neurosieve.report.tables import score_table
from tests.report.concept_results import KINDS, concepts_of
from tests.report.edit_results import interventions_of
from tests.report.records import HOSTILE, LONG, NAMES, result_of

GOLDEN = Path(__file__).parent / "golden"
NO_VALUE = re.compile(r"\b(?:None(?! of)|nan|inf|NaN|null)\b")  # what Python writes where a number is missing
ORDER = (
    *("story", "curve", "trust", "reading", "scores", "layers", "set", "classes", "clusters", "cka", "pareto"),
    *("control", "analysed", "words", "cite"),
)


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


@cache
def page(name: str) -> str:
    return render_page(result_of(name), "runs/tiny")


def without(html: str, part: str, name: str) -> str:
    """A page with a name in place of a script or style sheet and of its hash, each of which it holds once."""
    digest = b64encode(sha256(part.encode()).digest()).decode()
    assert html.count(digest) == html.count(part) == 1
    return html.replace(digest, name).replace(part, name)


@cache
def concept_page(kind: str, summary: str | None = None) -> str:
    """Of concepts and interventions, and of a study where one is named."""
    study = result_of(summary) if summary else None
    return render_page(study, "runs/tiny", concepts_of(kind), interventions_of(kind))


@pytest.mark.parametrize("name", ["full", "nothing"])
def test_golden(name: str) -> None:
    """`NEUROSIEVE_GOLDEN=write pytest tests/report` writes the files anew; look at the difference before you commit."""
    assert_golden(name, page(name))


@pytest.mark.parametrize("kind", ["full", "nothing"])
def test_golden_of_concepts(kind: str) -> None:
    assert_golden(f"concepts-{kind}", concept_page(kind))


def assert_golden(name: str, made: str) -> None:
    """The page without style sheet and script, which have files of their own, and drawings, which measure fonts."""
    style, script = (files("neurosieve.report").joinpath(n).read_text("utf-8") for n in ("theme.css", "page.js"))
    made = re.sub(r"<svg xmlns.*?</svg>", "DRAWING", without(without(made, style, "STYLE"), script, "SCRIPT"))
    file = GOLDEN / f"{name}.html"
    if os.environ.get("NEUROSIEVE_GOLDEN") == "write":
        file.write_text(made, encoding="utf-8")
    assert made == file.read_text(encoding="utf-8")


PARTS = (
    *("story", "rivals-detect", "reading"),
    *("concepts", "concepts-studied", "values-detect", "rivals-predict", "values-predict", "depth"),
    *(
        "left-out",
        "groups",
        "spread",
        "polysemy",
        "shared",
        "evidence",
        "latent",
        "clusters-found",
        "explained",
        "texts",
    ),
    *("interventions", "held-and-used", "effects", "edits", "words", "cite", "origin"),
)
ABSENT = {
    "full": (),
    "nothing": PARTS[10:19],
    "earlier": (),
    "bare": ("rivals-predict", "values-predict", "left-out", *PARTS[10:19]),
    "nameless": ("spread",),
    "hostile": (),
}


@pytest.mark.parametrize("kind", KINDS)
def test_parts_of_concepts(kind: str) -> None:
    """Each part is shown where it has values, once, and brings its words."""
    read = Texts(concept_page(kind))
    assert [i for i in read.ids if not i.startswith("word-")] == [part for part in PARTS if part not in ABSENT[kind]]
    text = " ".join(read.texts)
    assert "neurosieve concepts runs/tiny/study.yaml --out NEW_FOLDER" in text
    assert ("aligned cluster" in text) is ("latent" in read.ids)
    assert "matched random edits" in text
    assert "LayerSelector" not in text
    assert read.tags.count("h1") == 1


def test_all_results_on_one_page() -> None:
    read = Texts(concept_page("full", "full"))
    further = [part for part in PARTS if part not in ("story", "reading", "rivals-detect")]
    further.insert(2, "rivals-detect")
    assert [i for i in read.ids if i in (*ORDER, *PARTS)] == [*ORDER[:-2], *further]
    assert len(read.ids) == len(set(read.ids))
    text = " ".join(read.texts)
    assert result_of("full").headline in text
    assert all(word in text for word in GLOSSARY)
    assert "neurosieve concepts NEW_FOLDER" in text


def test_interventions_alone() -> None:
    read = Texts(render_page(None, "run", None, interventions_of("full")))
    parts = [i for i in read.ids if not i.startswith("word-")]
    assert parts == ["story", "effects", "reading", "interventions", "edits", "words", "cite", "origin"]


@pytest.mark.parametrize("kind", KINDS)
def test_concepts_carry_no_more_digits(kind: str) -> None:
    text = " ".join(Texts(concept_page(kind)).texts)
    assert not re.findall(r"\d\.\d{4,}", text.replace("2305.00875", ""))
    assert not NO_VALUE.findall(text.replace("language None", ""))


def test_hostile_concepts_stay_texts() -> None:
    page_, plain = concept_page("hostile"), concept_page("full")
    read = Texts(page_)
    assert read.tags.count("script") == 1
    assert "b" not in read.tags
    assert set(read.tags) == set(Texts(plain).tags)
    assert LONG in "".join(read.texts)
    assert not {"\u202e", "\x00", "\x1b"} & set(page_)
    assert HOSTILE not in page_
    assert not re.search(r"""(?:src|href)=["'](?!#)""", page_)


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
    assert not re.findall(r"\d\.\d{4,}", text.replace("2305.00875", ""))
    assert not NO_VALUE.findall(text)


@pytest.mark.parametrize("name", NAMES)
def test_self_contained_and_small(name: str) -> None:
    whole = render_page(result_of(name), "run")
    assert len(whole.encode()) <= 1.5 * 2**20
    assert not re.search(r"""(?:src|href)=["'](?!#)""", page(name))
    assert "@import" not in page(name)


LAYERS = {"imported": "as they are in the imported files", "full": "Layer 0 is the embedding"}


@pytest.mark.parametrize("name", LAYERS)
def test_what_layer_0_is(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Of activations made elsewhere it is not known, and nothing is said: on the page, in a figure, on a terminal."""
    html = page(name)
    assert LAYERS[name] in " ".join(Texts(html).texts)
    show_summary(result_of(name), "runs/tiny")
    figures = [result_of(name).plot(key)._repr_html_() for key in ("layers", "cka", "set")]
    shown = html + capsys.readouterr().out + "".join(figures)
    assert ("embedding" in shown.lower()) is (name == "full")
    assert ("made elsewhere" in html) is (name == "imported")


def test_layers_of_feed_forward_units() -> None:
    for html in (concept_page("full"), render_page(replace(result_of("full"), site="mlp"), "run")):
        text = " ".join(Texts(html).texts)
        assert "Layer k belongs to block k + 1" in text
        assert "embedding" not in text


def test_hostile_texts_stay_texts() -> None:
    page_, plain = page("hostile"), page("full")
    read = Texts(page_)
    assert Texts(plain).tags.count("script") == read.tags.count("script") == 1
    assert "b" not in read.tags
    text = "".join(read.texts)
    assert "<script>alert(1)</script></script><!-- <b>b</b> %{x} {{ 7*7 }}" in text
    assert LONG in text
    assert not {"\u202e", "\x00", "\x1b"} & set(page_)
    assert HOSTILE not in page_


def test_notebook_shows_the_same_cells() -> None:
    shown = result_of("hostile")._repr_html_()
    assert "<script>" not in shown
    assert "&lt;script&gt;alert(1)" in shown
    for row in score_table(result_of("full")).rows:
        for cell in row:
            assert cell in result_of("full")._repr_html_()


@pytest.mark.parametrize("name", NAMES)
def test_terminal_needs_one_screen(
    name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Except for the published study's choices, which were asked for."""
    monkeypatch.setenv("COLUMNS", "80")
    show_summary(replace(result_of(name), published=None), "runs/tiny")
    assert len(capsys.readouterr().out.splitlines()) <= 25


@pytest.mark.parametrize("name", [n for n in NAMES if n != "hostile"])
def test_terminal_shows_the_same_cells(
    name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "250")
    summary = result_of(name)
    show_summary(summary, "runs/tiny")
    shown = capsys.readouterr().out
    assert "\x1b" not in shown  # no terminal watches
    for row in score_table(summary).rows:
        for cell in row:
            assert cell in shown
    assert "runs/tiny/report.html" in shown
