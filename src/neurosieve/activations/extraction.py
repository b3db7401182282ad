"""Model × data set → activation store: one forward pass for all layers, only the needed rows kept."""

import contextlib
import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial

import numpy as np
import pyarrow as pa
import torch
from jaxtyping import Float
from torch import Tensor

from neurosieve.activations.masking import hide_units
from neurosieve.activations.row_table import ROW_SCHEMA, VALUE_SCHEMA, stored_text
from neurosieve.activations.selfcheck import check_rows, check_sample
from neurosieve.activations.shard_file import Shard
from neurosieve.activations.store import (
    Activations,
    ActivationStore,
    Manifest,
    as_activations,
)
from neurosieve.activations.store_dtype import choose_dtype
from neurosieve.activations.windows import ReadingPlan, Window, batches, pad, plan_reading
from neurosieve.data.dataset import VALUE, Dataset, Rows, are_values
from neurosieve.data.sampling import Sample
from neurosieve.errors import DataError, StoreError
from neurosieve.models import CodeModel
from neurosieve.models.code_model import check_ids
from neurosieve.parts import in_process, map_parts
from neurosieve.progress import track
from neurosieve.typing import SPLITS, PathLike, Pooling, Split, StoreDtype, View

# What makes the context in which a batch of windows is read.
Around = Callable[[Sequence[Window]], contextlib.AbstractContextManager[None]]

SAMPLE_WINDOWS = 32
SHARD_BYTES = 64 * 2**20


@dataclass(frozen=True)
class ExtractionOptions:
    """How rows are read.

    Attributes:
        pooling: Which subwords of a unit are averaged.
        drop_shared: Leave out units that share a subword.
        batch_tokens: Padded tokens in one forward pass.
        dtype: Of the store; `auto` decides for each layer on a sample.
        shard_bytes: About the size of one shard.
        max_windows: Of whole examples only the first windows.
        view: `detect` reads units at their own place; `predict` where the model does not see them yet (see `masking`).
        rounds: With `predict`, how many parts of an encoder's units are read, each part in a pass of its own.
    """

    pooling: Pooling = "mean"
    drop_shared: bool = False
    batch_tokens: int = 4096
    dtype: StoreDtype = "auto"
    shard_bytes: int = SHARD_BYTES
    max_windows: int | None = None
    view: View = "detect"
    rounds: int = 3

    def plan(self, model: CodeModel, dataset: Dataset, rows: Rows) -> ReadingPlan:
        """What the network has to read."""
        plan = plan_reading(
            model.tokenizer,
            model.max_tokens,
            dataset,
            rows,
            pooling=self.pooling,
            drop_shared=self.drop_shared,
            max_windows=self.max_windows,
        )
        check_ids(model.name, plan.largest_id, model.rows)
        return plan if self.view == "detect" else hide_units(plan, model, rounds=self.rounds)


def read_rows(model: CodeModel, windows: Sequence[Window]) -> list[Float[Tensor, "rows width"]]:
    """Rows of some windows for each layer, in window order, by one padded forward pass, in float32 on the CPU."""
    ids, mask, types, offsets = pad(windows, model.pad_id, model.padding_side)
    states = model.states(ids, mask, types)
    length = ids.shape[1]
    position: list[int] = []
    row: list[int] = []
    counts: list[int] = []
    for i, (window, offset) in enumerate(zip(windows, offsets, strict=True)):
        for tokens in window.tokens:
            position += [i * length + offset + t for t in tokens]
            row += [len(counts)] * len(tokens)
            counts.append(len(tokens))
    where = torch.tensor(position, device=model.device)
    target = torch.tensor(row, device=model.device)
    divisor = torch.tensor(counts, device=model.device, dtype=torch.float32)[:, None]
    layers = []
    for state in states:
        flat = state.reshape(-1, state.shape[-1])[where].float()
        total = torch.zeros(len(counts), flat.shape[1], device=model.device).index_add_(0, target, flat)
        layers.append((total / divisor).cpu())
    return layers


def merge_parts(values: Float[Tensor, "parts width"], windows: Sequence[Window]) -> Float[Tensor, "rows width"]:
    """Rows from their parts in each window: the mean over all tokens. Rows of one part are passed through."""
    rows = [row for w in windows for row in w.rows]
    place = {row: i for i, row in enumerate(dict.fromkeys(rows))}
    if len(place) == len(rows):
        return values
    target = torch.tensor([place[row] for row in rows])
    weight = torch.tensor([float(len(tokens)) for w in windows for tokens in w.tokens])
    total = values.new_zeros(len(place), values.shape[1]).index_add_(0, target, values * weight[:, None])
    return total / values.new_zeros(len(place)).index_add_(0, target, weight)[:, None]


def extract(
    model: CodeModel, dataset: Dataset, sample: Sample, url: PathLike, options: ExtractionOptions | None = None
) -> ActivationStore:
    """Write the rows' activations to a store, or continue one that was begun by the same call.

    Raises:
        SelfCheckError: Rows differ from transformers' own; nothing is written then.
        DataError: The tokenizer leaves no row of a split.
        StoreError: There is a store of another model, other rows or other options.
        ResourceError: Full disk.
    """
    options = options or ExtractionOptions()
    plan = planned(model, dataset, sample, options)
    reading = _fingerprint(model, sample.rows, plan, options)
    if ActivationStore.started(url):
        store = ActivationStore(url)
        if store.manifest.reading != reading:
            raise StoreError(
                f"activation store {store.folder.url}",
                expected="a new folder, or the store of the same model, rows and options",
                got="a store of another reading",
                remedy="choose another folder or delete this one",
            )
        store.verify()
    else:
        store = ActivationStore(url, checked_manifest(model, sample.rows, plan, options, reading))
        store.save_manifest()
    if not store.manifest.complete:
        _write_shards(model, dataset, sample.rows, plan, options, store)
        store.manifest.complete = True
        store.save_manifest()
    return store


def planned(model: CodeModel, dataset: Dataset, sample: Sample, options: ExtractionOptions) -> ReadingPlan:
    """What the network has to read, of each split something.

    Raises:
        DataError: The tokenizer leaves no row of a split.
    """
    plan = options.plan(model, dataset, sample.rows)
    for split in SPLITS:
        if not plan.windows[split]:
            raise DataError(
                f"{split} split", expected="rows with subwords", got="none", remedy="check tokenizer and --straddle"
            )
    return replace(plan, counts=replace(plan.counts, empty=sample.empty))


def read_activations(
    model: CodeModel, dataset: Dataset, sample: Sample, split: Split, options: ExtractionOptions | None = None
) -> Activations:
    """The rows of one split in memory, in the order of a store that `extract` writes; nothing is written."""
    return row_reader(model, dataset, sample, split, options, bar=f"{split} rows")()


def row_reader(
    model: CodeModel,
    dataset: Dataset,
    sample: Sample,
    split: Split,
    options: ExtractionOptions | None = None,
    *,
    bar: str | None = None,
) -> Callable[..., Activations]:
    """What reads the rows of one split as `read_activations` does: planned once, read at each call.

    A call may be given what makes a context for each batch of windows, within which the model reads it.

    Args:
        model: As it is when the rows are read; edits of then are seen.
        dataset: The code.
        sample: The rows.
        split: Of the rows.
        options: How they are read.
        bar: Name of a progress bar.
    """
    options = options or ExtractionOptions()
    rows = sample.rows
    chosen = rows.select(np.flatnonzero([dataset.examples[i].split == split for i in rows.example]))
    windows = options.plan(model, dataset, chosen).windows[split]
    steps = batches(windows, options.batch_tokens)
    table = _row_table(dataset, chosen, split, windows)

    def read(around: Around | None = None) -> Activations:
        parts = []
        for batch in track(steps, bar, total=len(steps)) if bar else steps:
            with around(batch) if around else contextlib.nullcontext():
                parts.append(read_rows(model, batch))
        values = merge_parts(torch.cat([torch.cat(layers, 1) for layers in parts]), windows)
        return as_activations(values, range(len(parts[0])), table, rows.labels, rows.sides)

    return read


def _fingerprint(model: CodeModel, rows: Rows, plan: ReadingPlan, options: ExtractionOptions) -> str:
    """What identifies a reading: everything that the values and their order depend on."""
    dtype = next(model.network.parameters()).dtype
    sha = hashlib.sha256(
        repr((model.name, model.revision, model.adapter, model.site, dtype, options, rows.labels)).encode()
    )
    for column in (rows.example, rows.start, rows.end, rows.label, rows.pair):
        sha.update(b"" if column is None else column.tobytes())
    for split in SPLITS:
        sha.update(repr(plan.windows[split]).encode())
    return sha.hexdigest()


def checked_manifest(
    model: CodeModel, rows: Rows, plan: ReadingPlan, options: ExtractionOptions, reading: str
) -> Manifest:
    """Read a sample, check it, and decide each layer's dtype on it."""
    parts: list[list[Tensor]] = []
    windows = check_sample(plan.windows["train"], SAMPLE_WINDOWS)
    checked: dict[str, float] = {}
    for number, batch in enumerate(batches(windows, options.batch_tokens)):
        parts.append(read_rows(model, batch))
        if number == 0 or batch[-1] is windows[-1]:
            few = check_sample(batch, 8)
            checked = _worse(checked, check_rows(model, few, _rows_of(batch, few, parts[-1])))
    layers = [torch.cat(layer) for layer in zip(*parts, strict=True)]
    return Manifest(
        model=model.name,
        revision=model.revision,
        adapter=asdict(model.adapter),
        site=model.site,
        layers=len(layers),
        width=layers[0].shape[1],
        labels=list(rows.labels),
        dtypes=[choose_dtype(x, options.dtype) for x in layers],
        counts=asdict(plan.counts),
        long_examples=plan.long_examples,
        self_check=checked,
        notes=list(model.notes),
        reading=reading,
        rows={s: plan.rows(s) for s in SPLITS},
        sides=plan.sides,
    )


def _rows_of(batch: Sequence[Window], few: Sequence[Window], layers: Sequence[Tensor]) -> list[Tensor]:
    wanted = {id(w) for w in few}
    mask = torch.tensor([id(w) in wanted for w in batch for _ in w.rows])
    return [x[mask] for x in layers]


def _worse(a: dict[str, float], b: dict[str, float]) -> dict[str, float]:
    if not a:
        return b
    return b | {"rows": a["rows"] + b["rows"], "difference": max(a["difference"], b["difference"])}


def shards_of(
    plan: ReadingPlan, options: ExtractionOptions, row_bytes: int, written: Mapping[Split, int]
) -> Iterator[tuple[Split, list[list[Window]]]]:
    """Batches of the rows after those that are written, dealt to shards, all parts of a row to one.

    The same plan always gives the same shards, as a batch does not hang on those before it.
    """
    for split in SPLITS:
        shard: list[list[Window]] = []
        count = 0
        for batch in batches(_behind(plan.windows[split], written[split]), options.batch_tokens):
            if count * row_bytes >= options.shard_bytes and set(shard[-1][-1].rows).isdisjoint(batch[0].rows):
                yield split, shard
                shard, count = [], 0
            shard.append(batch)
            count += sum(len(w.rows) for w in batch)
        if shard:
            yield split, shard


def _behind(windows: Sequence[Window], rows: int) -> Sequence[Window]:
    """The windows after those that hold the first rows; other parts of such a row are not among them."""
    seen: set[int] = set()
    for number, window in enumerate(windows):
        seen.update(window.rows)
        if len(seen) > rows:
            return windows[number:]
    return ()


def _write_shards(
    model: CodeModel,
    dataset: Dataset,
    rows: Rows,
    plan: ReadingPlan,
    options: ExtractionOptions,
    store: ActivationStore,
) -> None:
    manifest = store.manifest
    written = {split: sum(s["count"] for s in manifest.shards if s["split"] == split) for split in SPLITS}
    todo = shards_of(plan, options, manifest.layers * manifest.width * 4, written)
    parts = list(enumerate(todo, start=len(manifest.shards)))
    entries = map_parts(partial(_ShardWriter, ShardReader(model, dataset, rows), store), parts)
    for entry in entries if in_process() else track(entries, "shards", total=len(parts)):
        store.add(entry)


@dataclass(frozen=True)
class ShardReader:
    """Reads the rows of a shard: values of each layer, and their table."""

    model: CodeModel
    dataset: Dataset
    rows: Rows

    def read(
        self, split: Split, shard: Sequence[Sequence[Window]], bar: str
    ) -> tuple[list[Float[Tensor, "rows width"]], pa.Table]:
        """Rows of some batches of windows."""
        parts = [read_rows(self.model, batch) for batch in track(shard, bar, total=len(shard))]
        windows = [w for batch in shard for w in batch]
        layers = [merge_parts(torch.cat(layer), windows) for layer in zip(*parts, strict=True)]
        return layers, self.table(split, windows)

    def table(self, split: Split, windows: Sequence[Window]) -> pa.Table:
        """What is known of the rows without reading them."""
        return _row_table(self.dataset, self.rows, split, windows)


@dataclass(frozen=True)
class _ShardWriter:
    """Reads a shard and writes it to the store, whose manifest does not name it yet."""

    reader: ShardReader
    store: ActivationStore

    def __call__(self, part: tuple[int, tuple[Split, list[list[Window]]]]) -> Shard:
        number, (split, shard) = part
        return self.store.write(number, split, *self.reader.read(split, shard, f"activations, shard {number + 1}"))


def _row_table(dataset: Dataset, rows: Rows, split: Split, windows: Sequence[Window]) -> pa.Table:
    records: dict[int, dict[str, object]] = {}
    numeric = are_values(rows.label)
    for window in windows:
        example = dataset.examples[window.example]
        for member in window.rows:
            if member in records:  # another part of a whole example
                continue
            row, side = divmod(member, rows.sides)
            start, end, label = int(rows.start[row]), int(rows.end[row]), 0 if numeric else int(rows.label[row])
            if rows.pair is not None:
                start, end = 0, len(example.text)
            records[member] = {
                "row": row,
                "side": side,
                "example": example.id,
                "group": example.group if rows.pair is None else dataset.pairs[rows.pair[row]].group,
                "start": start,
                "end": end,
                "label": rows.labels[label],
                "label_id": label,
                "split": split,
                "window": window.number,
                **stored_text(example, start, end),
            } | ({VALUE: float(rows.label[row])} if numeric else {})
    return pa.Table.from_pylist(list(records.values()), schema=VALUE_SCHEMA if numeric else ROW_SCHEMA)
