"""Bad inputs to every reader: one line that says what is wrong, in time, and nothing that acts on a terminal."""

import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.activations.foreign.test_importing import ENDINGS, write
from tests.studies import data_folder, finished_quick
from tests.tiny import tiny_model

from soak.children import Ended, command
from soak.damage import ALL, HOPELESS
from soak.jobs import JOBS
from soak.outcome import Amount, Outcome

_LIMIT = 40.0  # seconds
_PLAN = ["plan", "--rows", "20,10,10", "--device", "cpu", "--set", "limits.characters=20000"]
_LINE = {"code": "a = 1 + b", "spans": [[0, 1, "N"], [4, 5, "D"], [8, 9, "N"]]}


@dataclass(frozen=True)
class Trial:
    """One bad input.

    Attributes:
        kind: Of reader.
        name: What is bad.
        arguments: Of the command.
        hopeless: It has to be refused; else it may be read as what it is now.
    """

    kind: str
    name: str
    arguments: Sequence[str]
    hopeless: bool


def inputs(home: Path, amount: Amount) -> list[Outcome]:
    """All readers with all damages; short: studies alone."""
    makers = (_studies, _data, _models, _stores, _foreign, _exports, _names) if amount else (_studies,)
    found: dict[str, Outcome] = {}
    for make in makers:
        for trial in make(home / make.__name__):
            outcome = found.setdefault(trial.kind, Outcome("inputs", f"bad input: {trial.kind}"))
            outcome.add(trial.name, _fault(trial, command(trial.arguments, limit=_LIMIT)))
    return list(found.values())


def _fault(trial: Trial, ended: Ended) -> str | None:
    if "\x1b" in ended.text or "\x07" in ended.text or "\u202e" in ended.text:
        return f"acts on the terminal: {ended.text.strip()[-300:]!r}"
    if ended.code == 0:
        return "taken for whole" if trial.hopeless else None
    return ended.refusal


def _spoilt(make: Callable[[Path], Path], files: Sequence[str], home: Path) -> Iterator[tuple[Path, str, str]]:
    """A fresh copy for each file and damage: its place, the file, the damage."""
    for name in files:
        for damage, spoil in ALL.items():
            shutil.rmtree(home, ignore_errors=True)
            home.mkdir(parents=True)
            place = make(home)
            spoil(place / name)
            yield place, name, damage


_STUDIES = {
    "nothing": "",
    "a list": "[1, 2]",
    "an object": "!!python/object/apply:os.system ['true']",
    "aliases": "a: &a [x, x, x, x, x, x, x, x, x, x]\n"
    + "".join(f"{chr(98 + i)}: &{chr(98 + i)} [{', '.join([f'*{chr(97 + i)}'] * 10)}]\n" for i in range(12)),
    "holds itself": "model: &a [*a]",
    "deep": "model: " + "[" * 20_000,
    "no such key": "colour: red",
    "escapes": 'model: "\\e[31mred\\a"',
    "control": "model: a\x00b",
    "a number": "model: 3",
    "no month": "seed: 2026-13-45",
    "tabs": "\tmodel: x",
    "infinite": "seed: .inf",
    "huge number": f"seed: {'9' * 5000}",
    "two documents": "model: a\n---\nmodel: b",
    "path": "model: ../../../etc/passwd\ndata: /dev/zero",
}


def _studies(home: Path) -> Iterator[Trial]:
    home.mkdir(parents=True)
    for name, text in _STUDIES.items():
        (home / "study.yaml").write_text(text)
        yield Trial("study files", name, ["plan", str(home / "study.yaml")], hopeless=True)
    for place, name, damage in _spoilt(_study, ["study.yaml"], home / "spoilt"):
        yield Trial("study files", damage, ["plan", str(place / name)], hopeless=damage in HOPELESS)


def _study(home: Path) -> Path:
    (home / "study.yaml").write_text(f"model: {tiny_model('bert')}\ndata: {data_folder()}\n")
    return home


def _lines(home: Path) -> Path:
    for number, split in enumerate(("train", "valid", "test")):
        rows = [json.dumps(_LINE | {"code": f"{chr(97 + i % 26)} = {number} + b{i}"}) for i in range(30)]
        (home / f"{split}.jsonl").write_text("\n".join(rows) + "\n")
    return home


def _table(home: Path) -> Path:
    for number, split in enumerate(("train", "valid", "test")):
        rows = [f'"def f{number}_{i}(): return {i}",{i % 2}' for i in range(30)]
        (home / f"{split}.csv").write_text("\n".join(["code,label", *rows]) + "\n")
    return home


def _parquet(home: Path) -> Path:
    import polars as pl

    for number, split in enumerate(("train", "valid", "test")):
        code = [f"def f{number}_{i}(): return {i}" for i in range(30)]
        pl.DataFrame({"code": code, "label": [i % 2 for i in range(30)]}).write_parquet(home / f"{split}.parquet")
    return home


def _conll(home: Path) -> Path:
    for number, split in enumerate(("train", "valid", "test")):
        text = "\n\n".join(f"a{i}{number}\tN\n=\tS\n{i}\tD" for i in range(30))
        (home / f"{split}.conll").write_text(text + "\n")
    return home


def _tagged(home: Path) -> Path:
    return Path(shutil.copytree(data_folder(), home / "data"))


def _data(home: Path) -> Iterator[Trial]:
    columns = ["--task", "defect-detection", "--text-column", "code", "--label-column", "label"]
    formats: list[tuple[str, Callable[[Path], Path], list[str], list[str]]] = [
        ("in and label files", _tagged, ["train.in", "test.label"], []),
        ("JSONL data", _lines, ["train.jsonl"], []),
        ("CSV data", _table, ["train.csv"], columns),
        ("parquet data", _parquet, ["train.parquet"], columns),
        ("CoNLL data", _conll, ["train.conll"], []),
    ]
    for kind, make, files, options in formats:
        for place, name, damage in _spoilt(make, files, home / "data"):
            arguments = [*_PLAN, "--model", str(tiny_model("bert")), "--data", str(place), *options]
            yield Trial(kind, f"{name}, {damage}", arguments, hopeless=damage in HOPELESS)


def _models(home: Path) -> Iterator[Trial]:
    files = ["config.json", "tokenizer.json", "model.safetensors"]
    for place, name, damage in _spoilt(lambda h: Path(shutil.copytree(tiny_model("bert"), h / "m")), files, home / "m"):
        out = ["--out", str(home / "run"), "--rows", "20,10,10", "--device", "cpu"]
        arguments = ["extract", "--model", str(place), "--data", str(data_folder()), *out]
        yield Trial("models", f"{name}, {damage}", arguments, hopeless=damage in HOPELESS)
        shutil.rmtree(home / "run", ignore_errors=True)


def _stores(home: Path) -> Iterator[Trial]:
    def unfinished(place: Path) -> Path:
        run = Path(shutil.copytree(finished_quick().folder, place / "run"))
        (run / "summary.json").unlink()
        return run

    names = ["study.yaml", "selection.json", "selection.safetensors", "activations/manifest.json"]
    names += ["activations/shard-00000.safetensors", "activations/rows-00000.parquet"]
    for place, name, damage in _spoilt(unfinished, names, home / "run"):
        made_again = "link" in damage and name == "selection.json"  # a step that is not there is made
        hopeless = damage in HOPELESS and not made_again
        yield Trial("runs and stores", f"{name}, {damage}", ["redundancy", str(place)], hopeless=hopeless)


def _foreign(home: Path) -> Iterator[Trial]:
    for ending in ENDINGS:
        for place, name, damage in _spoilt(lambda h, e=ending: write(h, "x", e).parent, [f"x{ending}"], home / "acts"):  # type: ignore[misc]
            arguments = ["redundancy", "--activations", str(place / name), "--out", str(home / "run")]
            yield Trial("foreign activations", f"{name}, {damage}", arguments, hopeless=damage in HOPELESS)
            shutil.rmtree(home / "run", ignore_errors=True)


def _exports(home: Path) -> Iterator[Trial]:
    job = next(job for job in JOBS if job.name == "export")
    job.prepare(home / "made")
    if (made := command(job.arguments(home / "made"))).code != 0:
        raise RuntimeError(f"export without any trouble: {made.text}")
    new = home / "new.jsonl"
    new.write_text('{"text": "a = 1", "spans": [[0, 1], [4, 5]]}\n' * 3)
    small = home / "made" / "small"
    files = [name for name in ("compact.json", "table.safetensors", "tokenizer.json") if (small / name).exists()]
    for place, name, damage in _spoilt(lambda h: Path(shutil.copytree(small, h / "small")), files, home / "spoilt"):
        arguments = ["predict", str(place), str(new)]
        yield Trial("exports", f"{name}, {damage}", arguments, hopeless=True)
    for place, name, damage in _spoilt(lambda h: Path(shutil.copy(new, h)).parent, ["new.jsonl"], home / "lines"):
        hopeless = damage in HOPELESS and damage != "empty"
        yield Trial("lines to label", damage, ["predict", str(small), str(place / name)], hopeless=hopeless)


def _names(home: Path) -> Iterator[Trial]:
    """Names that a terminal or a file system would act on."""
    for name in ("\x1b[31mred\x07", "../../above", "a\nb", "\u202eabc", "x" * 300, "~root", "-rf", "a\rb"):
        shutil.rmtree(home, ignore_errors=True)
        home.mkdir(parents=True)
        data = _lines(home)
        (data / "test.jsonl").write_text(json.dumps(_LINE | {"spans": [[0, 1, name]]}) + "\n")
        given = ["--model", str(tiny_model("bert"))]
        yield Trial("names", f"label {name[:20]!r}", [*_PLAN, *given, "--data", str(data)], hopeless=False)
        yield Trial("names", f"data {name[:20]!r}", [*_PLAN, *given, "--data", f"{home}/{name}"], hopeless=True)
        classes = ["--data", str(data_folder()), "--classes", f"NUM,{name}"]
        yield Trial("names", f"class {name[:20]!r}", [*_PLAN, *given, *classes], hopeless=True)
        run = str(finished_quick().folder)
        edit = ["intervene", run, "--edit", "ablate", "--concept", f"lexical={name}"]
        yield Trial("names", f"concept {name[:20]!r}", edit, hopeless=True)
