"""Arrow tables: Parquet files, and what `save_to_disk` of Hugging Face's datasets writes; read by pyarrow alone.

A saved set is a folder of Arrow streams, and its `state.json` names those that hold its rows. Others may lie beside
them: what `map` and `filter` cached, and parts of an earlier save.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from neurosieve.data.files import SPLIT_NAMES, data_hash, find_splits, read_text
from neurosieve.data.json_text import parse_json
from neurosieve.errors import DataError
from neurosieve.typing import Split

SPLITS_FILE, STATE, INFO = "dataset_dict.json", "state.json", "dataset_info.json"
_AGAIN = "save the data set again"


def is_saved(folder: Path) -> bool:
    """Whether a folder holds saved sets, each a split.

    Raises:
        DataError: It is itself one set, without splits.
    """
    if (folder / SPLITS_FILE).is_file():
        return True
    if (folder / STATE).is_file():
        raise DataError(
            f"{folder}",
            expected="a DatasetDict with the splits train, validation and test",
            got=f"one Dataset, without splits ({STATE} lies there, no {SPLITS_FILE})",
            remedy="split it and save the DatasetDict",
        )
    return any((folder / name / STATE).is_file() for names in SPLIT_NAMES.values() for name in names)


def saved_splits(folder: Path, *, validation_needed: bool) -> dict[Split, Path]:
    """The folders of the splits.

    Raises:
        DataError: As `find_splits`; a folder called like a split that does not belong to the set.
    """
    found = find_splits(folder, "", validation_needed=validation_needed)
    listing = _record(folder / SPLITS_FILE) if (folder / SPLITS_FILE).is_file() else {}
    names = listing.get("splits")
    strange = [p.name for p in found.values() if isinstance(names, list) and p.name not in names]
    if strange:
        raise DataError(
            f"{folder}",
            expected=f"folders of the splits that {SPLITS_FILE} names ({', '.join(map(str, names or []))})",
            got=f"also {', '.join(strange)}",
            remedy="remove what an earlier save left, or save the data set again",
        )
    return found


def saved_rows(place: Path, hashes: dict[str, str]) -> list[Mapping[str, Any]]:
    """The rows of one saved set, in its order; hashes of the files that hold them are added.

    Raises:
        DataError: A file that is missing or broken; no rows.
    """
    state = _record(place / STATE)
    table = _streams(place, state, ("_data_files",), hashes)
    if table is None or not table.num_rows:
        raise DataError(f"{place}", expected="rows in *.arrow files", got="none", remedy=_AGAIN)
    order = _streams(place, state, ("_indices_files", "_indices_data_files"), hashes)  # of early versions
    if order is not None:
        try:
            table = table.take(order["indices"])
        except (pa.ArrowException, KeyError, IndexError) as e:
            raise DataError(f"{place}", expected="indices of its rows", got=_said(e), remedy=_AGAIN) from e
    info = _record(place / INFO) if (place / INFO).is_file() else {}
    return arrow_rows(table, f"{place}", info.get("features"))


def _record(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise DataError(f"{path}", expected="the file that names those with the rows", got="none", remedy=_AGAIN)
    record = parse_json(read_text(path).text, f"{path}", remedy=_AGAIN)
    if not isinstance(record, dict):
        raise DataError(f"{path}", expected="a JSON object", got=type(record).__name__, remedy=_AGAIN)
    return record


def _streams(place: Path, state: Mapping[str, Any], keys: Sequence[str], hashes: dict[str, str]) -> pa.Table | None:
    """The tables of the files that a state names, in its order; None where it names none."""
    named: Any = next((state[key] for key in keys if state.get(key)), [])
    if not (isinstance(named, list) and all(isinstance(f, dict) and isinstance(f.get("filename"), str) for f in named)):
        raise DataError(f"{place / STATE}", expected="names of files", got=str(named)[:60], remedy=_AGAIN)
    paths = [place / file["filename"] for file in named]
    hashes |= {f"{place.name}/{path.name}": data_hash(path) for path in paths}
    tables = [_stream(path) for path in paths]
    try:
        return pa.concat_tables(tables) if tables else None
    except pa.ArrowException as e:
        came = f"others ({_said(e)})"
        raise DataError(f"{place}", expected="the same columns in all files", got=came, remedy=_AGAIN) from e


def _stream(path: Path) -> pa.Table:
    try:
        with pa.memory_map(str(path)) as source:
            return pa.ipc.open_stream(source).read_all()
    except (pa.ArrowException, OSError) as e:
        raise DataError(f"{path}", expected="an Arrow stream", got=_said(e), remedy=_AGAIN) from e


def parquet_rows(path: Path) -> list[Mapping[str, Any]]:
    """The rows of a Parquet file.

    Raises:
        DataError: It is none, or broken.
    """
    try:
        with pq.ParquetFile(path) as file:
            table = file.read()
    except (pa.ArrowException, OSError) as e:
        reason = _said(e)
        raise DataError(f"{path}", expected="a readable table", got=reason, remedy="write it again") from e
    return arrow_rows(table, f"{path}")


def _said(error: Exception) -> str:
    """The beginning of what another library says, in one line."""
    return " ".join(str(error).split())[:120]


def arrow_rows(table: pa.Table, where: str, features: object = None) -> list[Mapping[str, Any]]:
    """Rows as plain values: class labels that are stored by number by their names, dates and times as texts.

    Args:
        table: The rows.
        where: Names them in an error.
        features: Types of the columns as Hugging Face's datasets writes them; else from the table's own metadata.

    Raises:
        DataError: A class label without a name.
    """
    known = features if isinstance(features, dict) and features else _features(table.schema)
    for index, column in enumerate(table.schema):
        kind = known.get(column.name)
        names = kind.get("names") if isinstance(kind, dict) and kind.get("_type") == "ClassLabel" else None
        if names and pa.types.is_integer(column.type):
            texts = [_class_name(i, names, f"{where}, column {column.name!r}") for i in table[index].to_pylist()]
            table = table.set_column(index, column.name, pa.array(texts, pa.string()))
        elif pa.types.is_date(column.type) or pa.types.is_time(column.type) or pa.types.is_timestamp(column.type):
            table = table.set_column(index, column.name, table[index].cast(pa.string()))  # Python's know no nanoseconds
    return list(table.to_pylist())


def _features(schema: pa.Schema) -> dict[str, Any]:
    try:
        about = json.loads((schema.metadata or {}).get(b"huggingface", b"{}"))
        features = about["info"]["features"]
    except (ValueError, KeyError, TypeError):
        return {}  # another program's note under the same key
    return features if isinstance(features, dict) else {}


def _class_name(number: int | None, names: Sequence[str], where: str) -> str | None:
    """-1 stands for no label."""
    if number is None or number < 0:
        return None
    if number >= len(names):
        raise DataError(where, expected=f"class numbers below {len(names)}", got=f"{number}", remedy=_AGAIN)
    return names[number]
