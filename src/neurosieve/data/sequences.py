"""Whole examples with one label each: any table with a text and a label column, and the layouts of defect data.

A table is JSON lines, a JSON array, CSV or Parquet, one file a split; or CodeXGLUE's Devign layout, `function.json`
with a list of line numbers a split. polars reads tables; it is a dependency already.
"""

import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl

from neurosieve.data.dataset import Dataset, Example, Span
from neurosieve.data.files import digest, file_hash, find_splits, read_text, split_lines
from neurosieve.errors import DataError
from neurosieve.typing import Split

ENDINGS = (".jsonl", ".json", ".csv", ".parquet")
DEVIGN = "function.json"


def read_sequences(folder: Path, text: str, label: str, *, validation_needed: bool) -> Dataset:
    """Read one labelled example a row.

    Args:
        folder: Holds `SPLIT` files of one of `ENDINGS` (text formats plain or `.gz`), or `function.json` with
            `SPLIT.txt`.
        text: Column of the code.
        label: Column of the label: text, whole numbers or truth values.
        validation_needed: False where the validation split is carved from train.

    Raises:
        DataError: Missing, broken, empty or ambiguous files; rows without text or label; labels of mixed types.
    """
    labelled: list[tuple[Example, object]] = []
    hashes: dict[str, str] = {}
    for split, (path, rows) in _tables(folder, hashes, validation_needed=validation_needed).items():
        labelled += _examples(rows, path, split, text, label)
    _check_labels([value for _, value in labelled], folder)
    examples = tuple(example for example, _ in labelled)
    return Dataset(examples, f"{folder.name}: whole examples, {text!r} with {label!r}", {}, hashes, whole=True)


_Rows = Sequence[tuple[int, Mapping[str, Any]]]


def _tables(folder: Path, hashes: dict[str, str], *, validation_needed: bool) -> dict[Split, tuple[Path, _Rows]]:
    """Numbered rows of each split's file."""
    for whole in (folder / DEVIGN, folder / f"{DEVIGN}.gz"):
        if whole.is_file():
            return _devign(whole, hashes, validation_needed=validation_needed)
    found = {e: paths for e in ENDINGS if (paths := find_splits(folder, e, validation_needed=validation_needed))}
    if len(found) != 1:
        raise DataError(
            f"{folder}",
            expected=f"split files of one kind: SPLIT{', SPLIT'.join(ENDINGS)} or {DEVIGN} with SPLIT.txt",
            got=" and ".join(found) or "none of them",
            remedy="keep one kind" if found else "check --data",
        )
    ((ending, paths),) = found.items()
    return {split: (path, list(enumerate(_records(path, ending, hashes), 1))) for split, path in paths.items()}


def _devign(whole: Path, hashes: dict[str, str], *, validation_needed: bool) -> dict[Split, tuple[Path, _Rows]]:
    functions = _records(whole, ".json", hashes)
    tables: dict[Split, tuple[Path, _Rows]] = {}
    for split, path in find_splits(whole.parent, ".txt", validation_needed=validation_needed).items():
        file = read_text(path)
        hashes[path.name] = file.sha256
        rows = []
        for number, line in enumerate(split_lines(file.text), 1):
            index = int(line) if line.strip().isdecimal() else -1
            if not 0 <= index < len(functions):
                raise DataError(
                    f"{path} line {number}",
                    expected=f"an index into {whole.name}, 0 to {len(functions) - 1}",
                    got=line[:40],
                    remedy="use the index files that belong to it",
                )
            rows.append((index, functions[index]))
        tables[split] = path, rows
    if not tables:
        names = "train.txt, valid.txt, test.txt"
        raise DataError(f"{whole.parent}", expected=names, got="none", remedy="add the lists of line numbers")
    return tables


def _records(path: Path, ending: str, hashes: dict[str, str]) -> list[Mapping[str, Any]]:
    """The rows of a file."""
    if ending == ".parquet":
        hashes[path.name] = file_hash(path)
        return _frame(path, pl.read_parquet)
    file = read_text(path)
    hashes[path.name] = file.sha256
    if ending == ".csv":
        return _frame(io.StringIO(file.text), partial(pl.read_csv, infer_schema_length=None), f"{path}")
    if file.text.lstrip().startswith("["):
        rows = _json(file.text, f"{path}")
    else:
        rows = [_json(line, f"{path} line {n}") for n, line in enumerate(split_lines(file.text), 1) if line.strip()]
    bad = next((i for i, row in enumerate(rows, 1) if not isinstance(row, dict)), None)
    if bad is not None or not rows:
        came = f"{type(rows[bad - 1]).__name__} as number {bad}" if bad else "none"
        raise DataError(f"{path}", expected="objects", got=came, remedy="write one object for each example")
    return list(rows)


def _json(text: str, where: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as e:
        reason = e.msg if isinstance(e, json.JSONDecodeError) else str(e)
        raise DataError(where, expected="JSON", got=f"none ({reason})", remedy="write one object a line") from e


def _frame(source: Any, read: Callable[[Any], pl.DataFrame], name: str = "") -> list[Mapping[str, Any]]:
    try:
        return list(read(source).iter_rows(named=True))
    except (pl.exceptions.PolarsError, OSError) as e:
        reason = str(e).splitlines()[0][:120]
        raise DataError(name or f"{source}", expected="a readable table", got=reason, remedy="write it again") from e


def _examples(rows: _Rows, path: Path, split: Split, text: str, label: str) -> Iterator[tuple[Example, object]]:
    """Examples with their labels as they stand in the file."""
    for number, row in rows:
        where = f"{path} row {number}"
        for column in (text, label):
            if row.get(column) is None:
                came = f"the columns {', '.join(row)}" if column not in row else "nothing there"
                remedy = "name the columns with --text-column and --label-column"
                raise DataError(where, expected=f"a value in column {column!r}", got=came, remedy=remedy)
        code = row[text]
        if not isinstance(code, str) or not code.strip():
            came = "an empty text" if isinstance(code, str) else type(code).__name__
            raise DataError(where, expected=f"code in column {text!r}", got=came, remedy="remove or mend the row")
        group = str(row["group"]) if row.get("group") is not None else digest(code)
        span = Span(0, len(code), str(row[label]))
        yield Example(f"{split}:{number}", code, (span,), split, group), row[label]


def _check_labels(labels: Sequence[object], folder: Path) -> None:
    kinds = sorted({type(value).__name__ for value in labels})
    if len(kinds) > 1 or kinds == ["float"] or not set(kinds) <= {"str", "int", "bool", "float"}:
        raise DataError(
            f"labels in {folder}",
            expected="names, whole numbers or truth values, all of one type",
            got=" and ".join(kinds),
            remedy="write all labels alike",
        )
