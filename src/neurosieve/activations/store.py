"""The activation store: a folder (any fsspec URL) that is written shard by shard and that others can read.

    manifest.json              format version, model, site, dtypes, counts, sha256 per shard, and its own
    rows-00000.parquet         example, group, text, start, end, label, label_id, split, window: one line a row;
                               a pair has two, with the same `row` and `side` 0 and 1; labels that are numbers are
                               in a further column `value`; if two texts are read as one input, U+001E is
                               between them in `text`, and `left_end` says where
    shard-00000.safetensors    `layer.0` … `layer.N`: [rows, width] each

A shard is named in the manifest only when both its files are complete, so a killed run continues after the last one.
"""

import copy
import hashlib
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from jaxtyping import Float, Int, Num
from pydantic import ConfigDict, TypeAdapter, ValidationError
from safetensors.torch import save
from torch import Tensor

from neurosieve.activations.row_table import (
    LEFT_END,
    ROW_SCHEMA,
    labels_of,
    pair_sides,
    texts_of,
    unit_table,
    with_left_end,
)
from neurosieve.activations.shard_file import REDO, Layer, Shard, ShardFile
from neurosieve.activations.store_dtype import stored
from neurosieve.errors import ConfigError, DataError, StoreError
from neurosieve.storage.folder import Folder
from neurosieve.storage.records import read_object, write_object
from neurosieve.typing import SPLITS, Grid, NeuronId, PathLike, Split

FORMAT = 1
PARTS = 8
MANIFEST = "manifest.json"


@dataclass(frozen=True)
class Activations:
    """The rows of one split in memory.

    A pair of examples with vectors u and v has two columns a neuron, side by side: |u − v| and u · v.

    Attributes:
        values: One column a neuron, layer by layer, shape [rows, neurons]; for pairs [rows, 2 · neurons].
        neurons: (layer, index) of each neuron, shape [neurons, 2].
        label: Class numbers, or values, shape [rows].
        labels: Class names.
        group: Cluster of each row, shape [rows].
        text: The unit's own characters, shape [rows]; of a pair a tuple of its two texts.
    """

    values: Float[Tensor, "rows columns"]
    neurons: Int[np.ndarray, "neurons 2"]
    label: Num[np.ndarray, " rows"]
    labels: tuple[str, ...]
    group: np.ndarray
    text: np.ndarray

    def columns(self, layer: int, indices: Sequence[int] | None = None) -> Float[Tensor, "rows neurons"]:
        """The values of some neurons of a layer, of all by default, in the order asked for.

        Raises:
            DataError: Rows of pairs, whose columns are no neurons' values.
            ConfigError: A layer or neuron that was not read.
        """
        if self.values.shape[1] != len(self.neurons):
            raise DataError("rows", expected="one column a neuron", got="rows of pairs", remedy="read units")
        own = np.flatnonzero(self.neurons[:, 0] == layer)
        places = dict(zip(self.neurons[own, 1].tolist(), own.tolist(), strict=True))
        wanted = list(places if indices is None else indices)
        if not places or not places.keys() >= set(wanted):
            layers = ", ".join(map(str, np.unique(self.neurons[:, 0]).tolist()))
            got = "an index beyond the layer" if places else "a layer without rows"
            remedy = "read the layers that are to be edited"
            expected = f"neurons of the layers {layers} that were read"
            raise ConfigError(f"rows of layer {layer}", expected=expected, got=got, remedy=remedy)
        return self.values[:, [places[i] for i in wanted]].float()

    def neuron(self, number: int) -> NeuronId:
        """The global id of a neuron."""
        return NeuronId(*(int(v) for v in self.neurons[number]))


def as_activations(
    values: Float[Tensor, "rows neurons"], layers: Sequence[int], table: pa.Table, labels: Sequence[str], sides: int = 1
) -> Activations:
    """Values of some layers side by side, with what their row table says; two lines of a pair become one row."""
    width = values.shape[1] // max(len(layers), 1)
    if sides == 2:
        left, right = pair_sides(table)
        u, v = values[torch.from_numpy(left)], values[torch.from_numpy(right)]
        values = torch.stack([(u - v).abs(), u * v], 2).flatten(1)
    units = unit_table(table, sides)
    return Activations(
        values,
        Grid(len(layers), width).neurons(layers),
        labels_of(units),
        tuple(labels),
        np.array(units["group"].to_pylist(), dtype=object),
        texts_of(units),
    )


@dataclass(frozen=True)
class StorePart:
    """Some consecutive shards of a split, and the number of rows before them."""

    shards: slice
    begin: int


@dataclass
class Manifest:
    """The description of a store; `shards` grows as they are finished."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(strict=True, extra="forbid")
    model: str
    revision: str | None
    adapter: dict[str, Any]
    site: str
    layers: int
    width: int
    labels: list[str]
    dtypes: list[str]
    counts: dict[str, int]
    long_examples: int
    self_check: dict[str, float]
    notes: list[str]
    rows: dict[str, int]
    reading: str
    sides: int = 1
    shards: list[Shard] = field(default_factory=list)
    complete: bool = False
    format: int = FORMAT

    @property
    def grid(self) -> Grid:
        """Layers and neurons of a layer."""
        return Grid(self.layers, self.width)


_MANIFEST = TypeAdapter(Manifest)


def _misfits(manifest: Manifest) -> list[str]:
    """Which parts do not fit together, in words; what shards hold is known when they are read."""
    splits = {split for split, count in manifest.rows.items() if count}
    written = {shard["split"] for shard in manifest.shards}
    checks = {
        f"{manifest.layers} layers of {len(manifest.dtypes)} dtypes": manifest.layers == len(manifest.dtypes) > 0,
        f"width {manifest.width}": manifest.width > 0,
        f"{manifest.sides} sides": manifest.sides in (1, 2),
        f"files named {_odd_names(manifest)}": not _odd_names(manifest),  # a name could lead out of the folder
        f"shards of {sorted(written)}, rows of {sorted(splits)}": written == splits or not manifest.complete,
    }
    return [what for what, holds in checks.items() if not holds]


def _names(number: int) -> tuple[str, str]:
    """The two files of a shard: values and rows."""
    return f"shard-{number:05d}.safetensors", f"rows-{number:05d}.parquet"


def _odd_names(manifest: Manifest) -> str:
    """Of files that `append` does not write."""
    named = [name for shard in manifest.shards for name in (shard["values"], shard["rows"])]
    written = [name for number in range(len(manifest.shards)) for name in _names(number)]
    return ", ".join(name for name, ours in zip(named, written, strict=True) if name != ours)


class ActivationStore:
    """A store that is being written or read. Open an existing one with `ActivationStore(url)`.

    Raises:
        StoreError: No store there, or one of another format version.
    """

    def __init__(self, url: PathLike, manifest: Manifest | None = None) -> None:
        self.folder = Folder(url)
        self.manifest = manifest if manifest is not None else self._read_manifest()
        self._splits: tuple[Split, ...] = SPLITS

    def only(self, *splits: Split) -> "ActivationStore":
        """The same store with no rows of other splits: for code that chooses, which must not see the test split."""
        store = copy.copy(self)
        store._splits = splits
        return store

    @property
    def grid(self) -> Grid:
        """Layers and neurons of a layer."""
        return self.manifest.grid

    @staticmethod
    def started(url: PathLike) -> bool:
        """Is there a manifest at `url`?"""
        return Folder(url).exists(MANIFEST)

    def _read_manifest(self) -> Manifest:
        where = f"activation store {self.folder.url}"
        record = read_object(self.folder, MANIFEST, REDO, StoreError)
        if record is None:
            remedy = "check the path, or make the store first with `neurosieve extract`"
            raise StoreError(where, expected=f"a {MANIFEST}", got="nothing there", remedy=remedy)
        where = f"{self.folder.url}/{MANIFEST}"
        if (version := record.get("format")) != FORMAT:
            raise StoreError(where, expected=f"format version {FORMAT}", got=f"version {version}", remedy=REDO)
        try:
            manifest = _MANIFEST.validate_json(json.dumps(record))  # in Python's own mode no mapping is a dataclass
        except ValidationError as e:
            first = e.errors()[0]
            came = f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
            raise StoreError(where, expected="the keys and types of this format", got=came, remedy=REDO) from e
        if odd := _misfits(manifest):
            raise StoreError(where, expected="parts that fit together", got="; ".join(odd), remedy=REDO)
        return manifest

    def save_manifest(self) -> None:
        """Write the manifest in its present state."""
        write_object(self.folder, MANIFEST, vars(self.manifest))

    def append(self, split: Split, layers: Sequence[Float[Tensor, "rows width"]], rows: pa.Table) -> None:
        """Write the next shard and name it in the manifest."""
        self.add(self.write(len(self.manifest.shards), split, layers, rows))

    def add(self, entry: Shard) -> None:
        """Name the next shard, which is written, in the manifest."""
        self.manifest.shards.append(entry)
        self.save_manifest()

    def write(self, number: int, split: Split, layers: Sequence[Float[Tensor, "rows width"]], rows: pa.Table) -> Shard:
        """Write one shard, which the manifest does not name yet.

        A layer whose values the chosen dtype cannot hold (overflow that the sample did not show) is kept in
        float32 in this shard, and its entry says so.
        """
        cast = {f"layer.{i}": stored(x, self.manifest.dtypes[i]) for i, x in enumerate(layers)}
        data, table = save(cast), io.BytesIO()
        pq.write_table(rows, table)
        values_name, rows_name = _names(number)
        self.folder.write(values_name, data)
        self.folder.write(rows_name, table.getvalue())
        return {
            "values": values_name,
            "rows": rows_name,
            "split": split,
            "count": rows.num_rows,
            "sha256": hashlib.sha256(data).hexdigest(),
            "rows_sha256": hashlib.sha256(table.getvalue()).hexdigest(),
            "float32_layers": [
                i
                for i, x in enumerate(cast.values())
                if x.dtype == torch.float32 and self.manifest.dtypes[i] != "float32"
            ],
        }

    def verify(self) -> None:
        """Compare every shard with its checksum.

        Raises:
            StoreError: Names the shard that differs or is missing.
        """
        for shard in self.manifest.shards:
            for name, digest in ((shard["values"], shard["sha256"]), (shard["rows"], shard["rows_sha256"])):
                came = hashlib.sha256(self.folder.read(name, REDO)).hexdigest()
                if came != digest:
                    raise StoreError(
                        f"shard {self.folder.url}/{name}",
                        expected=f"sha256 {digest[:12]}…",
                        got=f"{came[:12]}…",
                        remedy=REDO,
                    )

    def table(self, split: Split) -> pa.Table:
        """The row table of a split, two lines for a pair."""
        parts = [self._rows(shard) for shard in self._shards(split)]
        return pa.concat_tables(parts) if parts else ROW_SCHEMA.empty_table()

    def units(self, split: Split) -> pa.Table:
        """The row table of a split with one line a unit, in the order of `read`."""
        return unit_table(self.table(split), self.manifest.sides)

    def parts(self, split: Split) -> list[StorePart]:
        """Consecutive shards of a split, eight or more together, in at most eight parts that are summed one by one.

        They depend on the shards alone, so that sums are the same wherever the parts are read.
        """
        counts = [shard["count"] for shard in self._shards(split)]
        step = max(PARTS, -(-len(counts) // PARTS))
        return [StorePart(slice(i, i + step), sum(counts[:i])) for i in range(0, max(1, len(counts)), step)]

    def batches(
        self, split: Split, layers: Iterable[int] | None = None, part: StorePart | None = None
    ) -> Iterator[tuple[Float[Tensor, "rows neurons"], pa.Table]]:
        """The rows of a split shard by shard, layers side by side, with their table: memory does not grow with rows.

        Args:
            split: Which rows.
            layers: Which layers; all by default. Others are not read.
            part: Those of one of `parts` alone.
        """
        wanted = list(range(self.manifest.layers)) if layers is None else list(layers)
        for shard in self._shards(split)[part.shards if part else slice(None)]:
            with self._open(shard) as get:
                yield torch.cat([get(i).float() for i in wanted], 1), self._rows(shard)

    def read(self, split: Split, layers: Iterable[int] | None = None) -> Activations:
        """All rows of a split as float32, layers side by side.

        Args:
            split: Which rows.
            layers: Which layers; all by default.

        Raises:
            StoreError: A shard that cannot be read.
        """
        wanted = list(range(self.manifest.layers)) if layers is None else list(layers)
        grid, table = Grid(len(wanted), self.manifest.width), self.table(split)
        values = torch.empty(table.num_rows, len(grid))
        begin = 0
        for shard in self._shards(split):
            end = begin + shard["count"]
            with self._open(shard) as get:
                for place, layer in enumerate(wanted):
                    values[begin:end, grid.layer(place)] = get(layer)
            begin = end
        return as_activations(values, wanted, table, self.manifest.labels, self.manifest.sides)

    def __getitem__(self, place: tuple[Split, int]) -> Float[Tensor, "rows columns"]:
        """The values of one layer: `store["train", 3]`, shape [rows, width]; of pairs two columns a neuron, see `read`.

        Raises:
            StoreError: No such layer, or a shard that cannot be read.
        """
        split, layer = place
        return self.read(split, [layer]).values

    def _rows(self, shard: Shard) -> pa.Table:
        name = shard["rows"]
        where = f"shard {self.folder.url}/{name}"
        try:
            rows = pq.read_table(io.BytesIO(self.folder.read(name, REDO)))
        except (pa.ArrowException, OSError) as e:
            said = " ".join(str(e).split())[:200]
            raise StoreError(where, expected="a whole Parquet file", got=said, remedy=REDO) from e
        lacking = [n for n in ROW_SCHEMA.names if n not in (*rows.column_names, LEFT_END, "side")]
        if lacking or rows.num_rows != shard["count"]:
            expected = f"{shard['count']} rows with the columns {', '.join(ROW_SCHEMA.names)}"
            came = f"{rows.num_rows} with {', '.join(rows.column_names) or 'none'}"
            raise StoreError(where, expected=expected, got=came, remedy=REDO)
        return with_left_end(rows)

    def _shards(self, split: Split) -> list[Shard]:
        if split not in self._splits:
            raise LookupError(f"{split} rows are not opened here, only {' and '.join(self._splits)}")
        return [s for s in self.manifest.shards if s["split"] == split]

    def _open(self, shard: Shard) -> AbstractContextManager[Layer]:
        return ShardFile(self.folder, shard, self.manifest.width)
