"""Every command and option is documented, and every documented command line runs."""

import re
import sys
from pathlib import Path
from typing import Any

import pytest
from docs.hooks.commands import MARK, commands, examples, page, parameters

from neurosieve.explorer import server
from neurosieve.studies.config import StudyConfig
from neurosieve.studies.option_models import ConceptOptions
from tests.cli import ran
from tests.docs import DOCS, PAGES, blocks, command_lines, read
from tests.docs.workspace import ROWS, SMALL, Word, filled, standing_in
from tests.studies import quick
from tests.studies.export import measured_little

Capture = pytest.CaptureFixture[str]
LINES = command_lines()
RUNS = list(dict.fromkeys(standing_in(arguments) for _, arguments in LINES if arguments[0] in commands()))


def sections() -> dict[str, str]:
    parts = re.split(r"^## neurosieve ", read(DOCS / "cli.md"), flags=re.MULTILINE)[1:]
    return {part.split()[0]: part for part in parts}


def test_page_is_made_from_the_parser() -> None:
    assert MARK in (DOCS / "cli.md").read_text(encoding="utf-8")
    assert page() in read(DOCS / "cli.md")
    assert list(sections()) == list(commands())
    assert len(commands()) >= 8


@pytest.mark.parametrize("name", commands())
def test_command_is_documented(name: str) -> None:
    """Its help, its examples, and each option with a help text."""
    command, text = commands()[name], sections()[name]
    assert command.help
    assert " ".join(command.help.split()) in text
    assert examples(command)
    assert all(line in text for line in examples(command))
    for parameter in parameters(command):
        assert parameter.help, f"{name} {parameter.name}: no help text"
        named = parameter.opts if parameter.param_type_name == "option" else [parameter.metavar]
        rows = [row for row in text.splitlines() if row.startswith("|") and named[0] in row.split("|")[1]]
        assert rows, f"{name} {named[0]}"
        assert any(parameter.help.split("|")[0] in row for row in rows)


def test_keys_of_a_study_are_documented() -> None:
    text = read(DOCS / "cli.md").partition("## Keys of a study file")[2]
    own = {f"concepts.{key}": field for key, field in ConceptOptions.model_fields.items()}
    study = {key: field for key, field in StudyConfig.model_fields.items() if key != "concepts"}
    for key, field in (study | own).items():
        assert f"| `{key}` |" in text
        assert field.description


def test_documented_lines_are_found() -> None:
    assert {name for name, _ in LINES} >= {"README.md", "cli.md", "own-task.md", "reproduction.md", "index.md"}
    assert {arguments[0] for _, arguments in LINES} == set(commands()), "every command has a line somewhere"


@pytest.mark.parametrize("line", LINES, ids=lambda line: " ".join([line[0], *line[1]]))
def test_line_parses(line: tuple[str, list[str]]) -> None:
    name, *rest = line[1]
    assert name in commands()
    commands()[name].make_context(name, rest)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_commands_and_options_in_sentences_exist(path: Path) -> None:
    """`neurosieve NAME` and `--option` in a page's text."""
    text = read(path)
    every = [p for c in commands().values() for p in c.params]
    known = {spelling for p in every for spelling in (*p.opts, *p.secondary_opts)} | {"--help", "--version"}
    inline = re.findall(r"`([^`\n]+)`", text)
    named = {m[1] for code in inline if (m := re.match(r"neurosieve ([a-z]+)", code))}
    assert named <= set(commands())
    options = {
        o
        for code in inline
        if not code.startswith(("pip ", "python "))
        for o in re.findall(r"(?<!\S)--[a-z][\w-]*", code)
    }
    assert options <= known


def tiny_demo(scheme: str, model: str) -> Any:  # noqa: ARG001
    classes = ["number", "string"] if scheme == "lexical" else ["call", "local"]
    return quick(**SMALL | {"data": "stdlib", "labels": scheme, "classes": classes, "rows": ROWS})


def label(words: tuple[Word, ...]) -> str:
    shown = [w if isinstance(w, str) else f"<{'-'.join(w)}>" for w in words]
    return " ".join(shown).partition(" --set control_draws")[0]


def features(words: tuple[Word, ...]) -> set[tuple[object, ...]]:
    """What a line asks for: command, options, the kinds of its stand-ins, and values that are words (tasks, edits)."""
    name, *rest = words
    stand_ins = {(name, *w[:2]) if w[0] == "activations" else (name, w[0]) for w in rest if isinstance(w, tuple)}
    return {(name,)} | stand_ins | {(name, w) for w in rest if isinstance(w, str) and not re.search(r"[\d.,\[]", w)}


def first_of_each_kind() -> list[Any]:
    """All lines; those that ask for nothing that no line before them asks for are slow."""
    seen: set[tuple[object, ...]] = set()
    marked = []
    for words in RUNS:
        marked.append(pytest.param(words, marks=[] if features(words) - seen else pytest.mark.slow))
        seen |= features(words)
    return marked


@pytest.mark.parametrize("words", first_of_each_kind(), ids=label)
def test_line_runs(words: tuple[Word, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys.modules["neurosieve.cli.app"], "demo_config", tiny_demo)
    monkeypatch.setattr("neurosieve.studies.export.verify.SLOWEST", 0)  # tiny models differ in nothing but noise
    measured_little(monkeypatch)
    # On any free port, and closed at once: a server would wait for its end.
    opened = server.serve
    monkeypatch.setattr(server, "serve", lambda runs, **place: opened(runs, **place | {"port": 0}))
    monkeypatch.setattr(server.Served, "run", lambda served: served.sock.close())
    ended = ran(capsys, *filled(words, tmp_path))
    assert ended.code == 0, ended.err
    assert ended.out
    assert ended.err == ""


def test_blocks_are_found() -> None:
    text = "a\n\n    neurosieve x\n    y\n\nb\n\n```python\nz = 1\n```\n"
    assert list(blocks(text)) == [("python", "z = 1\n"), ("", "neurosieve x\ny\n")]
