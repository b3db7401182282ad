"""Arrow tables: Parquet files, and what `save_to_disk` of Hugging Face's datasets writes; read by pyarrow alone.

A saved set is a folder of Arrow streams, and its `state.json` names those that hold its rows. Others may be next to
them: what `map` and `filter` cached, and parts of an earlier save.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from jaxtyping import Int

from neurosieve.data.limits import LIMITS, Limits
from neurosieve.data.readers.files import SPLIT_NAMES, data_hash, find_splits, read_text
from neurosieve.data.readers.json_text import parse_json
from neurosieve.errors import DataError
from neurosieve.storage.bounded_json import bounded_json
from neurosieve.typing import Split

SPLITS_FILE, STATE, INFO = "dataset_dict.json", "state.json", "dataset_info.json"
_AGAIN = "save the data set again"
_BATCH = 256  # rows at a time: a column that repeats one long text is small on disk alone


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
            got=f"one Dataset, without splits ({STATE} is there, no {SPLITS_FILE})",
            remedy="split it and save the DatasetDict",
        )
    return any((folder / name / STATE).is_file() for names in SPLIT_NAMES.values() for name in names)


def saved_splits(folder: Path, *, validation_needed: bool) -> dict[Split, Path]:
    """The folders of the splits.

    Raises:
        DataError: As `find_splits`; a folder called like a split that does not belong to the set.
    """
    by_split = find_splits(folder, "", validation_needed=validation_needed)
    listing = _record(folder / SPLITS_FILE) if (folder / SPLITS_FILE).is_file() else {}
    names = listing.get("splits")
    strange = [p.name for p in by_split.values() if isinstance(names, list) and p.name not in names]
    if strange:
        raise DataError(
            f"{folder}",
            expected=f"folders of the splits that {SPLITS_FILE} names ({', '.join(map(str, names or []))})",
            got=f"also {', '.join(strange)}",
            remedy="remove what an earlier save left, or save the data set again",
        )
    return by_split


def saved_rows(place: Path, hashes: dict[str, str], limits: Limits = LIMITS) -> list[Mapping[str, Any]]:
    """The rows of one saved set, in its order; hashes of the files that hold them are added.

    Raises:
        DataError: A file that is missing or broken, or above a limit; no rows.
    """
    state = _record(place / STATE)
    table = _streams(place, state, ("_data_files",), hashes, limits)
    if table is None or not table.num_rows:
        raise DataError(f"{place}", expected="rows in *.arrow files", got="none", remedy=_AGAIN)
    order = _streams(place, state, ("_indices_files", "_indices_data_files"), hashes, limits)  # of early versions
    if order is not None:
        table = _ordered(table, order, f"{place}", limits)
    info = _record(place / INFO) if (place / INFO).is_file() else {}
    return arrow_rows(table, f"{place}", info.get("features"))


def _ordered(table: pa.Table, order: pa.Table, where: str, limits: Limits) -> pa.Table:
    sizes = pa.array(np.concatenate([_row_bytes(batch) for batch in table.to_batches()]))
    try:
        limits.check("bytes", where, pc.sum(sizes.take(order["indices"])).as_py() or 0)  # a row can be named often
        return table.take(order["indices"])
    except (pa.ArrowException, KeyError, IndexError) as e:
        raise DataError(where, expected="indices of its rows", got=_said(e), remedy=_AGAIN) from e


def _record(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise DataError(f"{path}", expected="the file that names those with the rows", got="none", remedy=_AGAIN)
    record = parse_json(read_text(path).text, f"{path}", remedy=_AGAIN)
    if not isinstance(record, dict):
        raise DataError(f"{path}", expected="a JSON object", got=type(record).__name__, remedy=_AGAIN)
    return record


def _streams(
    place: Path, state: Mapping[str, Any], keys: Sequence[str], hashes: dict[str, str], limits: Limits
) -> pa.Table | None:
    """The tables of the files that a state names, in its order; None if it names none."""
    named: Any = next((state[key] for key in keys if state.get(key)), [])
    if not (isinstance(named, list) and all(isinstance(f, dict) and _is_name(f.get("filename")) for f in named)):
        raise DataError(f"{place / STATE}", expected="names of files next to it", got=str(named)[:60], remedy=_AGAIN)
    paths = [place / file["filename"] for file in named]
    hashes |= {f"{place.name}/{path.name}": data_hash(path) for path in paths}
    tables = [_stream(path, limits) for path in paths]
    try:
        return pa.concat_tables(tables) if tables else None
    except pa.ArrowException as e:
        came = f"others ({_said(e)})"
        raise DataError(f"{place}", expected="the same columns in all files", got=came, remedy=_AGAIN) from e


def _is_name(value: object) -> bool:
    """Of a file of the same folder, not a way to another one."""
    return isinstance(value, str) and Path(value).name == value


def _stream(path: Path, limits: Limits) -> pa.Table:
    try:
        with pa.memory_map(str(path)) as source, pa.ipc.open_stream(source) as stream:
            return _bounded(stream, stream.schema, f"{path}", limits)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as e:
        raise DataError(f"{path}", expected="an Arrow stream", got=_said(e), remedy=_AGAIN) from e


def parquet_rows(path: Path, limits: Limits = LIMITS) -> list[Mapping[str, Any]]:
    """The rows of a Parquet file.

    Raises:
        DataError: It is none, or broken, or above a limit; what its metadata says is known before rows are read.
    """
    try:
        with pq.ParquetFile(path) as file:
            about, schema = file.metadata, file.schema_arrow
        limits.check("rows", f"{path}", about.num_rows)
        limits.check("bytes", f"{path}", sum(about.row_group(i).total_byte_size for i in range(about.num_row_groups)))
        # As dictionaries texts that are repeated stay one until the rows have been counted.
        with pq.ParquetFile(path, read_dictionary=[f.name for f in schema if _is_text(f.type)]) as file:
            table = _bounded(file.iter_batches(_BATCH), file.schema_arrow, f"{path}", limits)
        return arrow_rows(table, f"{path}")
    except (pa.ArrowException, OSError, UnicodeDecodeError) as e:
        reason = _said(e)
        raise DataError(f"{path}", expected="a readable table", got=reason, remedy="write it again") from e


def _bounded(batches: Iterable[pa.RecordBatch], schema: pa.Schema, where: str, limits: Limits) -> pa.Table:
    """The table of some batches; what is packed can be larger than its metadata says, so each one is counted."""
    kept, size, rows = [], 0, 0
    for batch in batches:
        lengths = _row_bytes(batch)
        for number in np.flatnonzero(lengths > limits.characters).tolist():  # no row has more characters than bytes
            came = sum(_characters(column.slice(number, 1)) for column in batch.columns)
            limits.check("characters", f"{where} row {rows + number + 1}", came)
        size, rows = size + int(lengths.sum()), rows + batch.num_rows
        limits.check("rows", where, rows, at_least=True)
        limits.check("bytes", where, size, at_least=True)
        kept.append(batch)
    return pa.Table.from_batches(kept, schema)


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _row_bytes(batch: pa.RecordBatch) -> Int[np.ndarray, " rows"]:
    """The bytes of each row if each value is written out: in a dictionary one value can be used by many rows."""
    total = np.zeros(batch.num_rows, np.int64)
    for column in batch.columns:
        kind = column.type
        if pa.types.is_dictionary(kind) and _is_text(kind.value_type):
            sizes = pc.fill_null(pc.binary_length(column.dictionary).take(column.indices), 0).to_numpy()
        elif _is_text(kind):
            sizes = pc.fill_null(pc.binary_length(column), 0).to_numpy()
        else:
            sizes = np.array([column.slice(i, 1).nbytes for i in range(len(column))], np.int64)
        total += sizes
    return total


def _characters(value: pa.Array) -> int:
    """Of one value: of a text as it is, of others their bytes."""
    value = value.dictionary_decode() if pa.types.is_dictionary(value.type) else value
    return (pc.utf8_length(value)[0].as_py() or 0) if _is_text(value.type) else int(value.nbytes)


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
        about = bounded_json((schema.metadata or {}).get(b"huggingface", b"{}"))
        features = about["info"]["features"]
    except (ValueError, KeyError, TypeError):
        return {}  # another program's note under the same key
    return features if isinstance(features, dict) else {}


def _class_name(number: int | None, names: Sequence[str], where: str) -> str | None:
    """-1 means no label."""
    if number is None or number < 0:
        return None
    if number >= len(names):
        raise DataError(where, expected=f"class numbers below {len(names)}", got=f"{number}", remedy=_AGAIN)
    return names[number]
