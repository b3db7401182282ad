"""Tables of labelled code: JSON lines, a JSON array, CSV or Parquet, one file a split, or a Hugging Face data set.

Polars reads CSV and Parquet, and pyarrow what `Dataset.save_to_disk` writes: Arrow streams, `datasets` itself is not
needed.
"""

import io
import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa

from neurosieve.data.files import file_hash, find_splits, read_text, split_lines
from neurosieve.errors import DataError
from neurosieve.typing import Split, Target

ENDINGS = (".jsonl", ".json", ".csv", ".parquet")
SAVED = "dataset_dict.json"
_LARGEST = 1e100

NumberedRows = Sequence[tuple[int, Mapping[str, Any]]]
Tables = dict[Split, tuple[Path, NumberedRows]]


def split_tables(folder: Path, hashes: dict[str, str], *, validation_needed: bool, other: str) -> Tables:
    """Numbered rows of each split's file.

    Args:
        folder: Where the files lie.
        hashes: The files that are read are added, by name.
        validation_needed: False where the validation split is carved from train.
        other: Another layout that would do, for the error message.

    Raises:
        DataError: No table of a split, or tables of two kinds; a broken or empty file.
    """
    if (folder / SAVED).is_file():
        return _saved(folder, hashes, validation_needed=validation_needed)
    found = {e: paths for e in ENDINGS if (paths := find_splits(folder, e, validation_needed=validation_needed))}
    if len(found) != 1:
        raise DataError(
            f"{folder}",
            expected=f"split files of one kind: SPLIT{', SPLIT'.join(ENDINGS)} or {other}",
            got=" and ".join(found) or "none of them",
            remedy="keep one kind" if found else "check --data",
        )
    ((ending, paths),) = found.items()
    return {split: (path, list(enumerate(records(path, ending, hashes), 1))) for split, path in paths.items()}


def _saved(folder: Path, hashes: dict[str, str], *, validation_needed: bool) -> Tables:
    """The splits of a dictionary of data sets, each a folder of Arrow streams; labels by number become their names."""
    tables: Tables = {}
    for split, place in find_splits(folder, "", validation_needed=validation_needed).items():
        rows: list[Mapping[str, Any]] = []
        for path in sorted(place.glob("*.arrow")):
            hashes[f"{place.name}/{path.name}"] = file_hash(path)
            rows += _stream(path)
        if not rows:
            raise DataError(f"{place}", expected="rows in *.arrow files", got="none", remedy="save the data set again")
        tables[split] = place, list(enumerate(rows, 1))
    return tables


def _stream(path: Path) -> list[Mapping[str, Any]]:
    try:
        with pa.memory_map(str(path)) as source:
            table = pa.ipc.open_stream(source).read_all()
    except (pa.ArrowException, OSError) as e:
        raise DataError(
            f"{path}", expected="an Arrow stream", got=str(e)[:120], remedy="save the data set again"
        ) from e
    about = json.loads((table.schema.metadata or {}).get(b"huggingface", b"{}"))
    features = about.get("info", {}).get("features", {})
    names = {column: kind["names"] for column, kind in features.items() if kind.get("_type") == "ClassLabel"}
    for column in names.keys() & set(table.column_names):
        named = [None if i is None or i < 0 else names[column][i] for i in table[column].to_pylist()]
        table = table.set_column(table.column_names.index(column), column, pa.array(named, pa.string()))
    return list(table.to_pylist())


def cell(row: Mapping[str, Any], column: str, where: str) -> Any:
    """The value of a column.

    Raises:
        DataError: No such column, or nothing in it.
    """
    if row.get(column) is None:
        lacking = column not in row
        came = f"the columns {', '.join(row)}" if lacking else "nothing there"
        name = "name the columns with --text-column, --other-column and --label-column"
        remedy = name if lacking else "remove or mend the row"
        raise DataError(where, expected=f"a value in column {column!r}", got=came, remedy=remedy)
    return row[column]


def code_of(row: Mapping[str, Any], column: str, where: str) -> str:
    """The code in a column.

    Raises:
        DataError: None, or something else.
    """
    code = cell(row, column, where)
    if not isinstance(code, str) or not code.strip():
        came = "an empty text" if isinstance(code, str) else type(code).__name__
        raise DataError(where, expected=f"code in column {column!r}", got=came, remedy="remove or mend the row")
    return code


def label_texts(labels: Sequence[tuple[str, object]], folder: Path, target: Target) -> tuple[list[str], bool]:
    """Labels as texts, and whether they are values: numbers to predict, not names of classes.

    Numbers are values with the target `values`, and with `auto` where at least one of them is not whole. A whole number
    names the same class with and without a decimal point.

    Args:
        labels: (unit, label as it stands in the file).
        folder: Of the files, for the error message.
        target: What is asked for.

    Raises:
        DataError: Labels of several types, of a type that is neither text nor number, or not finite; anything but
            numbers with the target `values`.
    """
    first = {type(value).__name__: unit for unit, value in reversed(labels)}
    if first.keys() <= {"int", "float"}:
        numbers = _finite(labels, folder)
        if target == "values" or (target == "auto" and not all(n % 1 == 0 for n in numbers)):
            return [repr(float(n)) for n in numbers], True
        return [str(int(n) if n % 1 == 0 else n) for n in numbers], False
    if target == "values" or len(first) > 1 or not first.keys() <= {"str", "bool"}:
        raise DataError(
            f"labels in {folder}",
            expected="numbers" if target == "values" else "names, numbers or truth values, all of one type",
            got=" and ".join(f"{kind} ({unit})" for kind, unit in sorted(first.items())),
            remedy="check --target and --label-column" if target == "values" else "write all labels alike",
        )
    return [str(value) for _, value in labels], False


def _finite(labels: Sequence[tuple[str, Any]], folder: Path) -> list[int | float]:
    """The labels, where all of them are finite and their squares are."""
    for unit, value in labels:
        if not abs(value) < _LARGEST:  # also where it is no number
            raise DataError(
                f"labels in {folder}",
                expected=f"finite numbers below {_LARGEST:g}",
                got=f"{str(value)[:40]} ({unit})",
                remedy="remove or mend the row",
            )
    return [value for _, value in labels]


def records(path: Path, ending: str, hashes: dict[str, str]) -> list[Mapping[str, Any]]:
    """The rows of a file; its hash is added to `hashes`.

    Raises:
        DataError: Unreadable, broken or empty.
    """
    if ending == ".parquet":
        hashes[path.name] = file_hash(path)
        return _frame(path, partial(pl.read_parquet, glob=False))
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
