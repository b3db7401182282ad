"""Tables of labelled code: JSON lines, a JSON array, CSV or Parquet, one file a split or parts of one, or a saved set.

Saved sets are what `save_to_disk` of Hugging Face's datasets writes; see `neurosieve.data.readers.saved`.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from neurosieve.data.limits import LIMITS, Limits
from neurosieve.data.readers.csv_rows import Written, csv_rows
from neurosieve.data.readers.files import (
    PLACEHOLDER,
    TextFile,
    check_splits,
    data_hash,
    find_parts,
    find_splits,
    printable,
    read_text,
    split_lines,
    whole_name,
)
from neurosieve.data.readers.json_text import check_unicode, may_be_broken, parse_json
from neurosieve.data.readers.metering import checked
from neurosieve.data.readers.saved import is_saved, parquet_rows, saved_rows, saved_splits
from neurosieve.errors import DataError
from neurosieve.typing import Split, Target

ENDINGS = (".jsonl", ".json", ".csv", ".parquet")
_LARGEST = 1e100
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")

NumberedRows = Sequence[tuple[int, Mapping[str, Any]]]
Tables = dict[Split, tuple[Path, NumberedRows]]


def split_tables(
    folder: Path, hashes: dict[str, str], *, validation_needed: bool, other: str, limits: Limits = LIMITS
) -> Tables:
    """Numbered rows of each split's file.

    Args:
        folder: The folder of the files; or one file, whose rows are all named train.
        hashes: The files that are read are added, by name.
        validation_needed: False where the validation split is carved from train.
        other: Another layout that would do, for the error message.
        limits: On each file.

    Raises:
        DataError: No table of a split, or tables of two kinds; a broken, empty or too large file.
    """
    if folder.is_file():  # of all splits
        ending = next(e for e in ENDINGS if folder.name.removesuffix(".gz").endswith(e))
        return {"train": (folder, list(enumerate(records(folder, ending, hashes, limits), 1)))}
    if is_saved(folder):
        return {
            split: (place, list(enumerate(saved_rows(place, hashes, limits), 1)))
            for split, place in saved_splits(folder, validation_needed=validation_needed).items()
        }
    ending, files = _split_files(folder, validation_needed=validation_needed, other=other)
    return {
        split: (
            whole_name(parts[0]),
            list(enumerate((r for p in parts for r in records(p, ending, hashes, limits)), 1)),
        )
        for split, parts in files.items()
    }


def _split_files(folder: Path, *, validation_needed: bool, other: str) -> tuple[str, dict[Split, list[Path]]]:
    """The one ending that there is, and each split's files: one, or numbered parts."""
    by_ending: dict[str, dict[Split, list[Path]]] = {}
    for ending in ENDINGS:
        if whole := find_splits(folder, ending, validation_needed=validation_needed):
            by_ending[ending] = {split: [path] for split, path in whole.items()}
        elif parts := find_parts(folder, ending):
            firsts = {split: whole_name(paths[0]) for split, paths in parts.items()}
            check_splits(firsts, folder, ending, validation_needed=validation_needed)
            by_ending[ending] = parts
    if len(by_ending) != 1:
        raise _no_one_kind(folder, list(by_ending), other)
    return next(iter(by_ending.items()))


def _no_one_kind(folder: Path, endings: Sequence[str], other: str) -> DataError:
    """The error for tables of several kinds, or of none; it names tables of other names, here or one folder below."""
    came, remedy = " and ".join(endings), "keep one kind"
    if not endings:
        below = (p for place in (".", "*") for ending in ENDINGS for p in folder.glob(f"{place}/*{ending}"))
        near = sorted(p for p in below if not p.name.startswith("."))
        came = f"none of them, but {_few(near, folder)}" if near else "none of them"
        remedy = "check --data"
        if near:
            remedy = "give the files these names" if near[0].parent == folder else f"check --data {near[0].parent}"
    return DataError(
        f"{folder}",
        expected=f"split files of one kind: SPLIT{', SPLIT'.join(ENDINGS)} or {other} ({PLACEHOLDER})",
        got=came,
        remedy=remedy,
    )


def _few(paths: Sequence[Path], folder: Path) -> str:
    more = f" and {len(paths) - 3} more" if len(paths) > 3 else ""
    return ", ".join(printable(str(p.relative_to(folder))) for p in paths[:3]) + more


def cell(row: Mapping[str, Any], column: str, where: str) -> Any:
    """The value of a column.

    Raises:
        DataError: No such column, or nothing in it: null, or a blank text.
    """
    value = row.get(column)
    if value is None or (isinstance(value, str) and not value.strip()):
        lacking = column not in row
        came = f"the columns {', '.join(row)}" if lacking else "nothing there" if value is None else "an empty text"
        name = "name the columns with --text-column, --other-column and --label-column"
        remedy = name if lacking else "remove or mend the row"
        raise DataError(where, expected=f"a value in column {column!r}", got=came, remedy=remedy)
    return value


def code_of(row: Mapping[str, Any], column: str, where: str) -> str:
    """The code in a column.

    Raises:
        DataError: None, or something else.
    """
    code = cell(row, column, where)
    if not isinstance(code, str):
        came = type(code).__name__
        raise DataError(where, expected=f"code in column {column!r}", got=came, remedy="remove or mend the row")
    return code


def label_texts(labels: Sequence[tuple[str, object]], folder: Path, target: Target) -> tuple[list[str], bool]:
    """Labels as texts, and whether they are values: numbers to predict, not names of classes.

    Numbers are values with the target `values`, and with `auto` where at least one of them is not whole. A whole number
    names the same class with and without a decimal point. If the file has no types (CSV), labels
    are numbers only where they are to be values; names are kept as they are written.

    Args:
        labels: (unit, label as it is written in the file).
        folder: Of the files, for the error message.
        target: What is asked for.

    Raises:
        DataError: Labels of several types, of a type that is neither text nor number, or not finite; anything but
            numbers with the target `values`.
    """
    labels = _typed(labels, target)
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
            remedy="check --target and --label-column" if target == "values" else "write all labels in one form",
        )
    return [str(value) for _, value in labels], False


def _typed(labels: Sequence[tuple[str, object]], target: Target) -> Sequence[tuple[str, object]]:
    """Labels of a file that does not distinguish numbers from texts, as what they are to be."""
    texts = [(unit, str(value)) for unit, value in labels if isinstance(value, Written)]
    if not texts:
        return labels
    numbers = [(unit, float(text) if _NUMBER.fullmatch(text) else text) for unit, text in texts]
    if target == "values":
        return numbers
    fractions = [n for _, n in numbers if isinstance(n, float) and n % 1]
    # Not finite: a name that only looks like a number, such as the commit 10e400.
    every = all(isinstance(n, float) and abs(n) < _LARGEST for _, n in numbers)
    return numbers if target == "auto" and every and fractions else texts


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


def records(path: Path, ending: str, hashes: dict[str, str], limits: Limits = LIMITS) -> list[Mapping[str, Any]]:
    """The rows of a file; its hash is added to `hashes`.

    Raises:
        DataError: Unreadable, broken, empty or above a limit.
    """
    if ending == ".parquet":
        hashes[path.name] = data_hash(path)
        rows = parquet_rows(path, limits)
    else:
        file = read_text(path, limits, row="record" if ending == ".csv" else "objects")
        hashes[path.name] = file.sha256
        found = csv_rows(file.text, f"{path}") if ending == ".csv" else _json_rows(file)
        rows = list(checked(found, limits, f"{path}"))
    if not rows:
        raise DataError(f"{path}", expected="rows", got="none", remedy="fill or remove it")
    return rows


def _json_rows(file: TextFile) -> list[Mapping[str, Any]]:
    """The objects of a JSON array, or of lines."""
    path, text, limits = file.path, file.text, file.limits
    if text.lstrip().startswith("["):
        rows = parse_json(text, f"{path}", limits=limits)
    else:
        _check_no_object(file)
        lines = ((n, line) for n, line in enumerate(split_lines(text), 1) if line.strip())
        rows = [parse_json(line, f"{path} line {n}", limits=limits) for n, line in lines]
    doubtful = may_be_broken(text)
    for number, row in enumerate(rows, 1):
        if not isinstance(row, dict):
            came = f"{type(row).__name__} as number {number}"
            raise DataError(f"{path}", expected="objects", got=came, remedy="write one object for each example")
        if doubtful:
            check_unicode(row, f"{path} row {number}")
    return list(rows)


def _check_no_object(file: TextFile) -> None:
    """Refuse one object over several lines, which is JSON but no rows."""
    text = file.text.lstrip()
    first = text.partition("\n")[0]
    if not text.startswith("{") or _is_json(first) or not _is_json(text):
        return
    raise DataError(
        f"{file.path}",
        expected="an array of rows, or one object a line",
        got=f"one JSON object with the keys {', '.join(parse_json(text, ''))[:60]}",
        remedy="write its rows as an array",
    )


def _is_json(text: str) -> bool:
    try:
        parse_json(text, "")
    except DataError:
        return False
    return True
