"""Pairs of texts with one label: tables with two text columns, and CodeXGLUE's BigCloneBench layout.

The latter is `data.jsonl` with all functions (`idx`, `func`), and a file a split of lines `id1 id2 label`, tab between.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from neurosieve.data.dataset import Dataset, Example, Origin, Pair
from neurosieve.data.limits import LIMITS, Limits
from neurosieve.data.readers.files import (
    digest,
    find_splits,
    group_of,
    ignored_files,
    printable,
    read_text,
    split_lines,
)
from neurosieve.data.readers.table_files import cell, code_of, label_texts, records, split_tables
from neurosieve.errors import DataError
from neurosieve.typing import Split, Target

FUNCTIONS = "data.jsonl"


def read_pair_files(
    folder: Path,
    columns: tuple[str, str, str],
    *,
    validation_needed: bool,
    target: Target = "auto",
    limits: Limits = LIMITS,
) -> Dataset:
    """Read one labelled pair a row.

    A text that occurs in several pairs of a split becomes one example.

    Args:
        folder: One table, whose pairs are all called train; or a folder with tables of the splits, or `data.jsonl` with
            `SPLIT.txt`.
        columns: Of the first text, the second text and the label; not used in the second layout.
        validation_needed: False where the validation split is carved from train.
        target: Do labels name classes, or are they values? See `tables.label_texts`. In the second layout labels are
            names unless values are asked for.
        limits: On each file.

    Raises:
        DataError: Missing, broken, empty or ambiguous files; rows without a text or label; labels of mixed types; an
            id without a function.
    """
    hashes: dict[str, str] = {}
    texts = _Texts()
    whole = next((p for p in (folder / FUNCTIONS, folder / f"{FUNCTIONS}.gz") if p.is_file()), None)
    if whole:
        labelled, used = _indexed(whole, texts, hashes, limits, validation_needed=validation_needed)
        if target == "values":
            labelled = [(pair, _number(str(value))) for pair, value in labelled]
    else:
        labelled, used = _listed(folder, columns, texts, hashes, limits, validation_needed=validation_needed)
    labels, numeric = label_texts([(pair.id, value) for pair, value in labelled], folder, target)
    pairs = tuple(pair._replace(label=name) for (pair, _), name in zip(labelled, labels, strict=True))
    what = "functions paired by id" if whole else f"pairs of {columns[0]!r} and {columns[1]!r} with {columns[2]!r}"
    source, examples = f"{printable(folder.name)}: {what}", tuple(texts.examples)
    known = whole is not None or "bigclonebench" in folder.name.lower()
    return Dataset(
        examples,
        source,
        ignored_files(folder, used),
        hashes,
        whole=True,
        pairs=pairs,
        numeric=numeric,
        origin=Origin.BIG_CLONE_BENCH if known else Origin.OTHER,
    )


def _number(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text


@dataclass
class _Texts:
    """Examples by split and text, each once; pairs of them, to be labelled."""

    examples: list[Example] = field(default_factory=list)
    _place: dict[tuple[Split, str], int] = field(default_factory=dict)

    def index(self, name: str, text: str, split: Split) -> int:
        key = split, text
        if key not in self._place:
            self._place[key] = len(self.examples)
            self.examples.append(Example(f"{split}:{name}", text, (), split, digest(text)))
        return self._place[key]

    def pair(self, name: str, left: int, right: int, group: object) -> Pair:
        a, b = self.examples[left], self.examples[right]
        own = digest(f"{a.group} {b.group}")
        return Pair(f"{a.split}:{name}", left, right, "", a.split, group_of(group, own))


def _listed(
    folder: Path,
    columns: tuple[str, str, str],
    texts: _Texts,
    hashes: dict[str, str],
    limits: Limits,
    *,
    validation_needed: bool,
) -> tuple[list[tuple[Pair, object]], list[Path]]:
    first, second, label = columns
    other = f"{FUNCTIONS} with SPLIT.txt of id pairs"
    tables = split_tables(folder, hashes, validation_needed=validation_needed, other=other, limits=limits)
    if folder.is_file() and (row := tables["train"][1][0][1]).keys() >= {"idx", "func"} and first not in row:
        raise _no_lists(folder.parent)
    pairs: list[tuple[Pair, object]] = []
    for split, (path, rows) in tables.items():
        for number, row in rows:
            where = f"{path} row {number}"
            left, right = (texts.index(f"{number}:{c}", code_of(row, c, where), split) for c in (first, second))
            value = cell(row, label, where)
            pairs.append((texts.pair(str(number), left, right, row.get("group")), value))
    return pairs, [path for path, _ in tables.values()]


def _indexed(
    whole: Path, texts: _Texts, hashes: dict[str, str], limits: Limits, *, validation_needed: bool
) -> tuple[list[tuple[Pair, object]], list[Path]]:
    functions: dict[str, str] = {}
    for number, row in enumerate(records(whole, ".jsonl", hashes, limits), 1):
        where = f"{whole} row {number}"
        functions[str(cell(row, "idx", where))] = code_of(row, "func", where)
    paths = find_splits(whole.parent, ".txt", validation_needed=validation_needed)
    if not paths:
        raise _no_lists(whole.parent)
    pairs: list[tuple[Pair, object]] = []
    for split, path in paths.items():
        file = read_text(path, limits, row="line")
        hashes[path.name] = file.sha256

        def index(name: str, where: str, split: Split = split) -> int:
            return texts.index(name, _function(functions, name, where, whole), split)

        pairs += _lines(file.text, path, index, texts)
    return pairs, [whole, *paths.values()]


def _no_lists(folder: Path) -> DataError:
    return DataError(f"{folder}", expected="train.txt, valid.txt, test.txt", got="none", remedy="add the pairs")


def _lines(text: str, path: Path, index: Callable[[str, str], int], texts: _Texts) -> Iterator[tuple[Pair, object]]:
    for number, line in enumerate(split_lines(text), 1):
        where, parts = f"{path} line {number}", line.split()
        if len(parts) != 3:
            raise DataError(where, expected="two ids and a label", got=repr(line[:60]), remedy="mend the line")
        left, right = index(parts[0], where), index(parts[1], where)
        yield texts.pair(str(number), left, right, None), parts[2]


def _function(functions: Mapping[str, str], name: str, where: str, whole: Path) -> str:
    if name not in functions:
        raise DataError(
            where,
            expected=f"ids of functions in {whole.name}",
            got=f"id {name}",
            remedy="use the files that belong together",
        )
    return functions[name]
