"""The row tables of a store: what each row is, in columns, and the units that rows make up."""

import numpy as np
import pyarrow as pa
from jaxtyping import Num

from neurosieve.data.dataset import VALUE, Example, Text

LEFT_END = "left_end"  # characters of the first of two texts; none for a single text
_BETWEEN = "\x1e"  # separates two texts in a file; only `left_end` says where, since code may contain it too
ROW_SCHEMA = pa.schema(
    [
        ("row", pa.int64()),
        ("side", pa.int64()),
        ("example", pa.string()),
        ("group", pa.string()),
        ("text", pa.string()),
        ("start", pa.int64()),
        ("end", pa.int64()),
        ("label", pa.string()),
        ("label_id", pa.int64()),
        ("split", pa.string()),
        ("window", pa.int64()),
        (LEFT_END, pa.int64()),
    ]
)
VALUE_SCHEMA = ROW_SCHEMA.append(pa.field(VALUE, pa.float64()))


def labels_of(units: pa.Table) -> Num[np.ndarray, " rows"]:
    """Class numbers of some units, or their values."""
    column = VALUE if VALUE in units.column_names else "label_id"
    label: Num[np.ndarray, " rows"] = units[column].to_numpy().copy()  # Arrow memory is read-only
    return label


def texts_of(units: pa.Table) -> np.ndarray:
    """The characters of some units, of a pair a tuple of its two texts, shape [units]."""
    columns = (units[name].to_pylist() for name in ("text", LEFT_END))
    return np.fromiter(map(_text_of, *columns), dtype=object, count=units.num_rows)


def stored_text(example: Example, start: int, end: int) -> dict[str, object]:
    """The columns of a row that hold its characters: from start to end of the example, or all of both its texts."""
    if example.joint is None:
        return {"text": example.text[start:end], LEFT_END: None}
    return {"text": _BETWEEN.join(example.joint), LEFT_END: len(example.joint[0])}


def _text_of(stored: str, left_end: int | None) -> Text:
    return stored if left_end is None else (stored[:left_end], stored[left_end + len(_BETWEEN) :])


def with_left_end(rows: pa.Table) -> pa.Table:
    """Rows of a shard from before there was such a column: pairs, if one separator is in each of their texts."""
    if LEFT_END in rows.column_names:
        return rows
    texts = rows["text"].to_pylist()
    pairs = all(text.count(_BETWEEN) == 1 for text in texts)
    ends = pa.array([text.index(_BETWEEN) if pairs else None for text in texts], pa.int64())
    return rows.add_column(ROW_SCHEMA.get_field_index(LEFT_END), LEFT_END, ends)


def unit_table(table: pa.Table, sides: int) -> pa.Table:
    """One line a unit: the two lines of a pair become that of its left side, with both texts."""
    if sides == 1:
        return table
    left, right = pair_sides(table)
    texts = [table["text"].take(side).to_pylist() for side in (left, right)]
    joined = pa.array([_BETWEEN.join(both) for both in zip(*texts, strict=True)], pa.string())
    ends = pa.array([len(text) for text in texts[0]], pa.int64())
    units = table.take(left)
    for name, column in (("text", joined), (LEFT_END, ends)):
        units = units.set_column(units.column_names.index(name), name, column)
    return units


def pair_sides(table: pa.Table) -> tuple[np.ndarray, np.ndarray]:
    """Places of the left and of the right sides, pair by pair."""
    order = np.lexsort((table["side"].to_numpy(), table["row"].to_numpy()))
    return order[::2], order[1::2]
