"""Tiny stand-ins for what a documented command line names: model, data, activations, run folders."""

import json
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import yaml
from docs.hooks.commands import commands

from neurosieve.concepts.latent.sheets import ClusterToken, write_conceptnet
from tests.activations.foreign.test_importing import write_hdf5
from tests.data.sources import write_functions as write_code
from tests.studies import finished_concepts, finished_quick
from tests.studies.export import exported
from tests.studies.modules import run_with_modules
from tests.tiny import CODE, tiny_model

# Settings that make a study small, by the parameter that would set them; a line's own options stay.
SMALL: dict[str, Any] = {
    "control_draws": 1,
    "disjoint_splits": 0,
    "untrained_seeds": 0,
    "thresholds": [0.3],
    "pipeline_thresholds": [0.3],
    "deltas": [0.9],  # so that nearly any neuron is enough
    "rankings": ["lca"],
    "bootstrap": 100,
    "lambdas": 12,
    "device": "cpu",
}
# Of concepts, and what is asked for in place of much by the two commands that a study's options do not make small.
CONCEPTS: dict[str, Any] = {"min_rows": 2, "clusters": [3], "groups": ["lexical"], "evidence": 2, "rounds": 7}
FEW: dict[str, dict[str, str]] = {
    "concepts": {"properties": "lexical,line-position", "tokens": "400,200,200", "language": "python"},
    "intervene": {"sets": "20", "tokens": "3000"},
}
ROWS = {"train": 8, "validation": 6, "test": 8}
LABELS = ("NAME", "NUM", "SIGN")
LETTERS = ("abc", "012", "([{", "xyz", "%&$", "XYZ", "789")
Word = str | tuple[str, ...]  # an argument, or a stand-in: its kind and what the line says of it


def standing_in(arguments: Sequence[str]) -> tuple[Word, ...]:
    """A command line with stand-ins, made small; equal for lines that would run the same."""
    name, *rest = arguments
    command = commands()[name]
    given = {p.name for p, _, _ in _values(command, rest)}
    words: list[Word] = [name]
    for parameter, spelling, value in _values(command, rest):
        if parameter.name == "out" and not (parameter.required or name == "concepts" or "activations" in given):
            continue  # the same run in a folder of its own name
        if parameter.param_type_name == "option":
            words.append(spelling)
        if value is not None:
            words.append(_word(parameter.name, value, rest))
    if "corpus" in given and "data" not in given:
        words += ["--data", ("code",)]  # in place of the whole standard library
    known = {p.name for p in command.params}
    words += [part for k, v in FEW.get(name, {}).items() if k not in given for part in (f"--{k}", v)]
    if name == "concepts":
        words += [part for k, v in CONCEPTS.items() for part in ("--set", f"concepts.{k}={json.dumps(v)}")]
    if name == "intervene":
        words = [("edited",) if word == ("run",) else word for word in words]
    if "set_" in known and "run" not in given and ("run",) not in words:
        words += [part for k, v in SMALL.items() if k not in given for part in ("--set", f"{k}={json.dumps(v)}")]
        words += [part for k, v in ROWS.items() for part in ("--set", f"rows.{k}={v}")]
    return tuple(words)


def spellings(parameter: Any) -> list[str]:
    """An option's names, those that say no among them."""
    return [*parameter.opts, *getattr(parameter, "secondary_opts", ())]


def _values(command: Any, rest: Sequence[str]) -> Iterator[tuple[Any, str, str | None]]:
    """Each parameter that a line gives, with its name there and its value (None: a flag)."""
    options = {spelling: p for p in command.params if p.param_type_name == "option" for spelling in spellings(p)}
    places = iter([p for p in command.params if p.param_type_name == "argument"])
    words = iter(rest)
    place: Any = None
    for word in words:
        if word in options:
            yield options[word], word, None if options[word].is_flag else next(words)
        else:
            place = place if place is not None and place.nargs == -1 else next(places)
            yield place, "", word


def _word(name: str, value: str, rest: Sequence[str]) -> Word:
    if name == "data" and value not in ("stdlib", "installed"):
        return _data(value, rest)
    if name == "neuron":
        return "0:1"
    if name == "concept":
        return "lexical=number"
    if name in ("use", "drop"):
        return "NUM"
    if name in ("replace", "add"):
        return (name,)
    if name in ("source", "study"):
        return ("study",) if value.endswith(".yaml") else ("run",)
    if name == "runs":
        return "runs", value.rpartition("/")[2]
    if name == "activations":
        labels = rest[rest.index("--classes") + 1] if "--classes" in rest else ",".join(LABELS)
        return name, Path(value).suffix, labels
    return (name,) if name in ("model", "out", "run", "study", "to", "folder", "files", "concept_net") else value


def _data(value: str, rest: Sequence[str]) -> Word:
    if "--labels" in rest:
        return ("sources",)
    if "--corpus" in rest:
        return ("code",)
    if value in ("spans", "functions", "functions.csv", "pairs", "queries"):
        return (value,)
    labels = rest[rest.index("--classes") + 1] if "--classes" in rest else ",".join(LABELS)
    return "lines", labels, "no validation" if "--validation-from-train" in rest else ""


def filled(words: Sequence[Word], folder: Path) -> list[str]:
    """The stand-ins made in a folder."""
    return [word if isinstance(word, str) else str(_made(word, folder)) for word in words]


def _made(word: tuple[str, ...], folder: Path) -> Path:
    kind, *details = word
    place = folder / kind
    match kind:
        case "model":
            return tiny_model("bert")
        case "out" | "to":
            return place if kind == "out" else folder / "written.html"
        case "replace":
            return Path(f"NUM={run_with_modules()}")
        case "run":
            return Path(shutil.copytree(finished_quick().folder, place))
        case "runs":
            return Path(shutil.copytree(finished_quick().folder, folder / details[0]))
        case "folder":
            return exported("table").folder
        case "files":
            return write_line(place)
        case "concept_net":
            return write_clusters(place)
        case "edited":
            return Path(shutil.copytree(finished_concepts(), place))
        case "lines":
            return write_lines(place, details[0].split(","), validation=not details[1])
        case "spans":
            return write_spans(place)
        case "functions":
            return write_functions(place)
        case "functions.csv":
            return write_table(place)
        case "pairs" | "queries":
            return write_pairs(place, ("code1", "code2") if kind == "pairs" else ("doc", "code"))
        case "sources":
            return write_sources(place)
        case "code":
            return write_code(place, "python", files=20)
        case "study":
            return write_study(folder)
    assert kind == "activations"
    return write_activations(place, *details)


def write_line(place: Path) -> Path:
    """A text with spans to label."""
    place.write_text(json.dumps({"text": "x = 12", "spans": [[0, 1], [4, 6]]}) + "\n")
    return place


def write_clusters(place: Path) -> Path:
    """Two published clusters."""
    write_conceptnet(place, {0: [ClusterToken("return", 1, 0, 0)], 1: [ClusterToken("=", 1, 1, 1)]})
    return place


def write_study(folder: Path) -> Path:
    """A study file, and what it names."""
    study = {"model": str(tiny_model("bert")), "data": str(write_lines(folder / "lines", LABELS))}
    (folder / "study").mkdir()
    (folder / "study" / "study.yaml").write_text(yaml.safe_dump(study))
    return folder / "study" / "study.yaml"


def tagged(labels: Sequence[str], split: str, count: int = 14) -> list[tuple[str, str]]:
    """Lines and their tags; each label has letters of its own, each split lines of its own."""
    rng = np.random.default_rng(["train", "valid", "test"].index(split))
    lines = []
    for _ in range(count):
        tags = [labels[i] for i in rng.permutation(len(labels))]
        words = ["".join(rng.choice(list(LETTERS[labels.index(t)]), 5)) for t in tags]
        lines.append((" ".join(words), " ".join(tags)))
    return lines


def write_lines(folder: Path, labels: Sequence[str], *, validation: bool = True) -> Path:
    """`SPLIT.in` and `SPLIT.label`."""
    folder.mkdir()
    for split in ("train", "valid", "test") if validation else ("train", "test"):
        lines, tags = zip(*tagged(labels, split), strict=True)
        (folder / f"{split}.in").write_text("\n".join(lines) + "\n")
        (folder / f"{split}.label").write_text("\n".join(tags) + "\n")
    return folder


def write_spans(folder: Path) -> Path:
    """`SPLIT.jsonl`."""
    folder.mkdir()
    for split in ("train", "valid", "test"):
        records = []
        for line, tags in tagged(LABELS, split):
            spans = [[6 * i, 6 * i + 5, tag] for i, tag in enumerate(tags.split())]
            records.append(json.dumps({"code": line, "spans": spans, "group": line}))
        (folder / f"{split}.jsonl").write_text("\n".join(records) + "\n")
    return folder


def write_functions(folder: Path) -> Path:
    """`SPLIT.jsonl` with one label an example."""
    folder.mkdir()
    for split in ("train", "valid", "test"):
        rows = [
            {"func": f"{line} {'+-'[i % 2]}", "target": i % 2} for i, (line, _) in enumerate(tagged(LABELS, split, 20))
        ]
        (folder / f"{split}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


def write_table(file: Path) -> Path:
    """One CSV file with a label an example, for all splits."""
    rows = [{"func": line, "target": i % 2} for i, (line, _) in enumerate(tagged(LABELS, "train", 90))]
    pl.DataFrame(rows).write_csv(file)
    return file


def write_pairs(folder: Path, columns: tuple[str, str]) -> Path:
    """`SPLIT.jsonl` with one label a pair."""
    folder.mkdir()
    for split in ("train", "valid", "test"):
        lines = [line for line, _ in tagged(LABELS, split, 21)]
        rows = [dict(zip(columns, lines[i : i + 2], strict=True)) | {"label": i % 2} for i in range(20)]
        (folder / f"{split}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


def write_sources(folder: Path) -> Path:
    """Python files, without folders for the splits."""
    folder.mkdir()
    for i in range(9):
        body = f"import m{i}\nclass C{i}:\n    def f(self, a{i}):\n        b{i} = a{i}.c{i}\n        return g(b{i})\n"
        (folder / f"m{i}.py").write_text(body + CODE[0])
    return folder


def write_activations(folder: Path, ending: str, labels: str) -> Path:
    """HDF5 files of three splits, or one file of that ending."""
    folder.mkdir()
    names = ("train", "valid", "test") if not ending else ("train",)
    for name in names:
        lines, tags = zip(*tagged(labels.split(","), name, 14 if not ending else 40), strict=True)
        path = folder / f"{name}{ending or '.hdf5'}"
        rng = np.random.default_rng(7)
        per_line = [rng.normal(size=(2, len(line.split()), 4)).astype(np.float32) for line in lines]
        if ending == ".npy":
            np.save(path, np.concatenate([x.transpose(1, 0, 2) for x in per_line]))
            tags = tuple(tag for line in tags for tag in line.split())
        else:
            write_hdf5(path, lines, per_line)
            path.with_suffix(".in").write_text("\n".join(lines) + "\n")
        path.with_suffix(".label").write_text("\n".join(tags) + "\n")
    return folder if not ending else folder / f"train{ending}"
