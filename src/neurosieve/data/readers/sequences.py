"""Whole examples with one label each: any table with a text and a label column, and CodeXGLUE's Devign layout.

The latter is `function.json` with all functions, and a list of line numbers a split.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from neurosieve.data.dataset import Dataset, Example, Span
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
from neurosieve.data.readers.table_files import NumberedRows, Tables, cell, code_of, label_texts, records, split_tables
from neurosieve.errors import DataError
from neurosieve.typing import Split, Target

DEVIGN = "function.json"


def read_sequences(
    folder: Path,
    text: str,
    label: str,
    *,
    validation_needed: bool,
    target: Target = "auto",
    limits: Limits = LIMITS,
) -> Dataset:
    """Read one labelled example a row.

    Args:
        folder: Holds `SPLIT` files of one of `tables.ENDINGS` (text formats plain or `.gz`), or `function.json` with
            `SPLIT.txt`.
        text: Column of the code.
        label: Column of the label: text, numbers or truth values.
        validation_needed: False if the validation split is carved from train.
        target: Do labels name classes, or are they values? See `tables.label_texts`.
        limits: On each file.

    Raises:
        DataError: Missing, broken, empty or ambiguous files; rows without text or label; labels of mixed types.
    """
    labelled: list[tuple[Example, object]] = []
    hashes: dict[str, str] = {}
    tables, used = _tables(folder, hashes, limits, validation_needed=validation_needed)
    for split, (path, rows) in tables.items():
        labelled += _examples(rows, path, split, text, label)
    texts, numeric = label_texts([(example.id, value) for example, value in labelled], folder, target)
    examples = tuple(
        replace(example, spans=(Span(0, len(example.text), name),))
        for (example, _), name in zip(labelled, texts, strict=True)
    )
    source = f"{printable(folder.name)}: whole examples, {text!r} with {label!r}"
    return Dataset(examples, source, ignored_files(folder, used), hashes, whole=True, numeric=numeric)


def _tables(
    folder: Path, hashes: dict[str, str], limits: Limits, *, validation_needed: bool
) -> tuple[Tables, list[Path]]:
    """Rows of each split, and the files that were read."""
    for functions_file in (folder / DEVIGN, folder / f"{DEVIGN}.gz"):
        if functions_file.is_file():
            tables = _devign(functions_file, hashes, limits, validation_needed=validation_needed)
            return tables, [functions_file, *(path for path, _ in tables.values())]
    other = f"{DEVIGN} with SPLIT.txt"
    tables = split_tables(folder, hashes, validation_needed=validation_needed, other=other, limits=limits)
    return tables, [path for path, _ in tables.values()]


def _devign(functions_file: Path, hashes: dict[str, str], limits: Limits, *, validation_needed: bool) -> Tables:
    functions = records(functions_file, ".json", hashes, limits)
    tables: Tables = {}
    for split, path in find_splits(functions_file.parent, ".txt", validation_needed=validation_needed).items():
        file = read_text(path, limits, row="line")
        hashes[path.name] = file.sha256
        rows = []
        for number, line in enumerate(split_lines(file.text), 1):
            index = int(line) if line.strip().isdecimal() else -1
            if not 0 <= index < len(functions):
                raise DataError(
                    f"{path} line {number}",
                    expected=f"an index into {functions_file.name}, 0 to {len(functions) - 1}",
                    got=line[:40],
                    remedy="use the index files that belong to it",
                )
            rows.append((index, functions[index]))
        tables[split] = path, rows
    if not tables:
        names = "train.txt, valid.txt, test.txt"
        raise DataError(f"{functions_file.parent}", expected=names, got="none", remedy="add the lists of line numbers")
    return tables


def _examples(rows: NumberedRows, path: Path, split: Split, text: str, label: str) -> Iterator[tuple[Example, object]]:
    """Examples without spans, each with its label as it is written in the file."""
    for number, row in rows:
        where = f"{path} row {number}"
        code, value = code_of(row, text, where), cell(row, label, where)
        yield Example(f"{split}:{number}", code, (), split, group_of(row.get("group"), digest(code))), value
