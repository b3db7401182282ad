"""What tells one labelled unit from another, in whatever run it was read."""

import hashlib

import numpy as np
import pyarrow as pa
from jaxtyping import Int

_COLUMNS = ("group", "example", "start", "end", "text", "left_end")


def unit_keys(units: pa.Table) -> Int[np.ndarray, " units"]:
    """A number for each unit of a table, from its place in the data and its characters.

    The same unit has the same number in every run; two units of one run have different ones but for a chance of 2⁻⁶⁴.
    """
    columns = [units[name].to_pylist() for name in _COLUMNS]
    digests = (hashlib.blake2b(repr(row).encode(), digest_size=8).digest() for row in zip(*columns, strict=True))
    return np.array([int.from_bytes(digest, "little", signed=True) for digest in digests], dtype=np.int64)


def same_units(
    a: Int[np.ndarray, " units"], b: Int[np.ndarray, " others"]
) -> tuple[Int[np.ndarray, " both"], Int[np.ndarray, " both"]]:
    """Places in either of the units that both hold, in one order."""
    _, place_a, place_b = np.intersect1d(a, b, return_indices=True)
    return place_a, place_b
