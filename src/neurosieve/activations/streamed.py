"""Rows that are read by the model each time they are asked for: a store of which nothing is written."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pyarrow as pa

from neurosieve.activations.extraction import (
    ExtractionOptions,
    ShardReader,
    checked_manifest,
    planned,
    shards_of,
)
from neurosieve.activations.row_table import with_left_end
from neurosieve.activations.shard_file import Layer, Shard
from neurosieve.activations.store import ActivationStore, Manifest
from neurosieve.activations.store_dtype import stored
from neurosieve.activations.windows import Window
from neurosieve.data import Dataset, Sample
from neurosieve.models import CodeModel
from neurosieve.typing import SPLITS, PathLike, Split

Planned = tuple[Split, Sequence[Sequence[Window]]]  # what is read as one shard


class StreamedStore(ActivationStore):
    """Gives what a store of the same rows gives, to the last bit; each pass over a split is a pass of the model.

    Args:
        url: Where the store would be, for messages.
        manifest: With an entry for each shard, in their order.
        reader: Of the rows.
        planned: Split and batches of each shard.
    """

    def __init__(self, url: PathLike, manifest: Manifest, reader: ShardReader, planned: Sequence[Planned]) -> None:
        super().__init__(url, manifest)
        self._reader, self._planned = reader, planned

    def verify(self) -> None:
        """Nothing is written that could be damaged."""

    def _rows(self, shard: Shard) -> pa.Table:
        split, batches = self._planned[self._number(shard)]
        return with_left_end(self._reader.table(split, [w for batch in batches for w in batch]))

    def _number(self, shard: Shard) -> int:
        return self.manifest.shards.index(shard)

    @contextmanager
    def _open(self, shard: Shard) -> Iterator[Layer]:
        number = self._number(shard)
        layers, _ = self._reader.read(*self._planned[number], f"reading, shard {number + 1}")
        yield lambda layer: stored(layers[layer], self.manifest.dtypes[layer])


def stream(
    model: CodeModel, dataset: Dataset, sample: Sample, url: PathLike, options: ExtractionOptions | None = None
) -> StreamedStore:
    """The rows as `extract` would write them, in the same shards, read when they are asked for.

    Args:
        model: Reads them.
        dataset: The code.
        sample: The rows.
        url: Where `extract` would write them; nothing is.
        options: How they are read.

    Raises:
        SelfCheckError: Rows differ from transformers' own.
        DataError: The tokenizer leaves no row of a split.
    """
    options = options or ExtractionOptions()
    plan = planned(model, dataset, sample, options)
    manifest = checked_manifest(model, sample.rows, plan, options, "streamed")
    nothing: dict[Split, int] = dict.fromkeys(SPLITS, 0)
    shards = list(shards_of(plan, options, manifest.layers * manifest.width * 4, nothing))
    manifest.shards = [_entry(number, *shard) for number, shard in enumerate(shards)]
    manifest.complete = True
    return StreamedStore(url, manifest, ShardReader(model, dataset, sample.rows), shards)


def _entry(number: int, split: Split, batches: Sequence[Sequence[Window]]) -> Shard:
    count = len({row for batch in batches for window in batch for row in window.rows})
    nowhere: Any = {"values": f"shard {number}", "rows": f"rows {number}", "sha256": "", "rows_sha256": ""}
    entry: Shard = nowhere | {"split": split, "count": count, "float32_layers": []}
    return entry
