"""The pages name what exists: public names, words, links, and Python that runs."""

import ast
import importlib
import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

import neurosieve
from neurosieve import errors
from neurosieve.callable_package import PACKAGES as PACKAGES_THAT_ARE_VERBS
from neurosieve.errors import NeurosieveError
from neurosieve.notebook import verbs
from neurosieve.renamed import NAMES as NAMES_BEFORE
from neurosieve.report.figures import CHARTS
from neurosieve.report.glossary import GLOSSARY
from neurosieve.studies.config import make_config
from tests.docs import DOCS, PAGES, blocks, prose, read
from tests.docs.workspace import write_lines
from tests.studies import finished_quick
from tests.tiny import tiny_model

NOTEBOOK = DOCS / "tutorial.ipynb"
PYTHON = [
    pytest.param(path.name, block, id=f"{path.name}-{i}")
    for path in PAGES
    for i, (language, block) in enumerate(blocks(read(path)))
    if language == "python"
]
MAX_BYTES = 300_000


def headings(text: str) -> list[str]:
    """Titles of a page, without marks."""
    found = re.findall(r"^#+ (.+?)(?: \{.*\})?$", text, re.MULTILINE)
    return [title.replace("`", "") for title in found]


def anchors(text: str) -> set[str]:
    """What a link into a page can point at."""
    own = set(re.findall(r"\{ #([\w-]+) \}", text))
    slugs = {re.sub(r"[-\s]+", "-", re.sub(r"[^\w\s-]", "", t, flags=re.ASCII).strip().lower()) for t in headings(text)}
    return own | slugs


API = re.findall(r"^::: (neurosieve[\w.]*)$", read(DOCS / "api.md"), re.MULTILINE)


def at(path: str) -> Any:
    """The object of a dotted path."""
    module, _, name = path.rpartition(".")
    return getattr(importlib.import_module(module), name)


NAMES: list[str] = vars(neurosieve)["__all__"]  # of the stub, which has no such name itself


@pytest.mark.parametrize("name", NAMES)
def test_public_name_is_in_the_api_page(name: str) -> None:
    """Once, as what it is; of a verb that is a package its function."""
    value = getattr(verbs if name in PACKAGES_THAT_ARE_VERBS else neurosieve, name)
    assert [at(path) is value for path in API if path.rpartition(".")[2] == name].count(True) == 1


@pytest.mark.parametrize("path", API)
def test_api_page_names_what_exists(path: str) -> None:
    """By a path without a warning."""
    assert at(path) is not None
    assert API.count(path) == 1


@pytest.mark.parametrize("name", sorted(set(NAMES_BEFORE) - {"Summary", "Concepts"}))
def test_api_page_has_the_names_of_earlier_releases(name: str) -> None:
    assert name in {path.rpartition(".")[2] for path in API}


@pytest.mark.parametrize("word", GLOSSARY)
def test_word_of_the_report_is_explained(word: str) -> None:
    titles = " / ".join(headings(read(DOCS / "concepts.md"))).lower()
    assert word.lower().removeprefix("95 % ") in titles


ERRORS = [k for k in vars(errors).values() if isinstance(k, type) and issubclass(k, NeurosieveError)]


@pytest.mark.parametrize("kind", ERRORS, ids=lambda kind: kind.__name__)
def test_error_has_its_remedies(kind: type[NeurosieveError]) -> None:
    text = read(DOCS / "errors.md")
    assert kind.__name__ in headings(text)
    if kind is not NeurosieveError:
        assert f"| [{kind.__name__}](#{kind.__name__.lower()}) | {kind.exit_code} |" in text
        section = text.partition(f"## {kind.__name__} ")[2].partition("\n## ")[0]
        assert "| the line says | do this |" in section


def test_report_page_answers_every_question() -> None:
    text = read(DOCS / "report.md")
    for entry in finished_quick().record["trust"]:
        question = entry["question"].partition(" (")[0].rstrip("?")
        section = text.partition(f"### {question}")[2].partition("\n## ")[0].partition("\n### ")[0]
        assert "- **yes**" in section, question
        assert "- **no**" in section, question
    for key in CHARTS:
        assert f"| `{key}` |" in text


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_links_resolve(path: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(read(path))):
        if target.startswith("https://"):
            continue
        name, _, anchor = target.partition("#")
        place = path.parent / name if name else path
        assert place.is_file(), target
        if anchor:
            assert anchor in anchors(read(place)), target


def test_every_page_is_in_the_menu() -> None:
    menu = (DOCS.parent / "mkdocs.yml").read_text(encoding="utf-8").partition("nav:")[2]
    assert set(re.findall(r"[\w-]+\.(?:md|ipynb)", menu)) == {
        p.name for p in DOCS.iterdir() if p.suffix in (".md", ".ipynb")
    }


MAP = [row for row in read(DOCS.parent / "CONTRIBUTING.md").splitlines() if row.startswith(("| a ", "| an "))]


@pytest.mark.parametrize("row", MAP, ids=lambda row: row.split("|")[1].strip())
def test_map_of_contributing_leads_somewhere(row: str) -> None:
    """Every file that it names is there; a file name in capitals is one of several."""
    named = [name for name in re.findall(r"`([\w./-]+)`", row) if "/" in name or name.endswith((".py", ".pyi"))]
    assert named
    for name in named:
        pattern = name.replace("NAME", "*")
        assert list((DOCS.parent / "src").rglob(pattern)) or list(DOCS.parent.glob(pattern)), name


def test_map_of_contributing_answers_ten_questions() -> None:
    assert len(MAP) >= 10


@pytest.mark.parametrize(("page", "block"), PYTHON)
def test_python_names_exist(page: str, block: str) -> None:
    for node in ast.walk(ast.parse(block, page)):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("neurosieve"):
            module = importlib.import_module(node.module)
            assert all(hasattr(module, alias.name) for alias in node.names)


@pytest.mark.parametrize(("page", "block"), PYTHON)
def test_python_runs(page: str, block: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a tiny model in DIR's place, and tiny data under the name that the block uses."""
    monkeypatch.chdir(tmp_path)
    write_lines(tmp_path / "token-tagging-java", ("NUMBER", "STRING", "IDENT"))
    small = {"bootstrap": 100, "deltas": [0.9], "control_draws": 0, "disjoint_splits": 0, "untrained_seeds": 0}

    def quickly(*, options: dict[str, Any]) -> Any:
        return make_config(options=options | small | {"device": "cpu"})

    monkeypatch.setattr(verbs, "make_config", quickly)
    exec(compile(block.replace('"DIR"', repr(str(tiny_model("bert")))), page, "exec"), {})


def test_pages_are_about_the_project_only() -> None:
    for path in (*PAGES, NOTEBOOK):
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"/(work|home|root|tmp|usr)/", text), path
        assert len(headings(text)) == len(set(headings(text))) or path.name in ("reproduction.md", "CHANGELOG.md"), path


def test_notebook_was_executed_and_is_small() -> None:
    assert NOTEBOOK.stat().st_size < MAX_BYTES
    cells = [c for c in json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"] if c["cell_type"] == "code"]
    assert [c["execution_count"] for c in cells] == list(range(1, len(cells) + 1))
    outputs = [o for c in cells for o in c["outputs"]]
    kinds = {kind for o in outputs for kind in o.get("data", ())}
    assert "text/html" in kinds
    assert all(o["output_type"] != "error" and o.get("name") != "stderr" for o in outputs)


def test_citation_is_of_this_version_and_names_the_study() -> None:
    citation = yaml.safe_load((DOCS.parent / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["version"] == neurosieve.__version__
    assert {"cff-version", "message", "title", "authors"} <= set(citation)
    assert [r["url"] for r in citation["references"]] == ["https://arxiv.org/abs/2305.00875"]
