"""Activations made elsewhere → an ordinary store: which files belong together, their labels, splits and rows.

    NAME.hdf5, .h5, .json, .jsonl   NeuroX's layouts; with NAME.in and NAME.label: a line a sentence, tokens and tags
                                    separated by single spaces
    NAME.npy, .safetensors          arrays; with NAME.label, and where there are any NAME.in (texts) and NAME.group:
                                    a line a row

The layouts themselves are in `formats`.
"""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import groupby
from pathlib import Path

import numpy as np
import pyarrow as pa
import torch
from jaxtyping import Float
from torch import Tensor

from neurosieve.activations.extraction import SHARD_BYTES
from neurosieve.activations.foreign.broken_files import whole
from neurosieve.activations.foreign.formats import READERS, ArrayReader, Reader, SentenceReader, agree
from neurosieve.activations.row_table import ROW_SCHEMA
from neurosieve.activations.store import ActivationStore, Manifest
from neurosieve.activations.store_dtype import choose_dtype
from neurosieve.activations.windows import UnitCounts
from neurosieve.data.dataset import Dataset, Example, Span
from neurosieve.data.dealing import checked_shares, refuse_shares
from neurosieve.data.limits import LIMITS, Limits
from neurosieve.data.readers.files import SPLIT_NAMES, TextFile, find_split, read_text, split_lines
from neurosieve.data.readers.metering import checked
from neurosieve.data.readers.source import deal_files
from neurosieve.data.readers.tagging import tagged_lines
from neurosieve.data.sampling import Sample, sample_rows
from neurosieve.defaults import DEFAULT_ROWS
from neurosieve.errors import DataError, StoreError
from neurosieve.progress import track
from neurosieve.typing import SPLITS, PathLike, Split

SAMPLE_ROWS = 1024
Files = Mapping[Split | None, Path]  # None: one file whose rows are dealt to the splits


def import_activations(
    path: PathLike,
    url: PathLike,
    *,
    classes: Sequence[str] | None = None,
    per_class: Mapping[Split, int] | None = None,
    seed: int = 0,
    shares: Sequence[float] | None = None,
    limits: Limits = LIMITS,
) -> ActivationStore:
    """Write activations that another tool made to a store, or continue one that was begun by the same call.

    Args:
        path: A folder with one file a split (`train.hdf5`, `valid.hdf5`, `test.hdf5`, …; what is in an earlier
            split is dropped and counted), or one file whose lines (or groups) are dealt to the splits, 60 / 15 / 25 %.
        url: Where the store goes.
        classes: Labels to keep; all by default.
        per_class: Rows a class for each split.
        seed: For the rows drawn and the splits made here.
        shares: Of train, validation and test, where one file is dealt.
        limits: On the size of the files with labels and texts.

    Raises:
        DataError: Files that are missing, broken, too large or do not fit each other; a class without rows; fewer than
            two.
        ConfigError: Fewer than one row asked for.
        StoreError: There is a store of other files or options at `url`.
        ResourceError: h5py is needed and not installed; full disk.
    """
    place = Path(path)
    files = _find_files(place)
    counts = dict(DEFAULT_ROWS) | dict(per_class or {})
    dealt = checked_shares(shares)
    if None not in files:
        refuse_shares(dealt, f"{place}", "a file a split")
    options = (sorted(set(classes)) if classes is not None else None, counts, seed)
    reading = _fingerprint(files, options if dealt is None else (*options, dealt))
    store = _started(url, reading)
    if store is not None and store.manifest.complete:
        return store
    inputs = [_open_input(split, file, limits) for split, file in files.items()]
    for other in inputs[1:]:
        agree(f"{other.path}", other.reader.size, inputs[0].reader.size, f"as in {inputs[0].path.name}")
    dataset = _as_dataset(inputs, str(place), None in files, seed, dealt)
    sample = sample_rows(dataset, classes=classes, per_class=per_class, seed=seed)
    rows = _Rows(inputs, dataset, sample)
    if store is None:
        notes = _notes(inputs, dataset, sample, counts, f"lines dealt by seed {seed}" if None in files else "")
        store = ActivationStore(url, rows.manifest(str(place), notes, reading))
        store.save_manifest()
    todo = rows.shards()[len(store.manifest.shards) :]
    for split, numbers in track(todo, "activations", total=len(todo)):
        store.append(split, rows.values(numbers).unbind(1), rows.table(numbers))
    store.manifest.complete = True
    store.save_manifest()
    return store


def _started(url: PathLike, reading: str) -> ActivationStore | None:
    if not ActivationStore.started(url):
        return None
    store = ActivationStore(url)
    if store.manifest.reading != reading:
        raise StoreError(
            f"activation store {store.folder.url}",
            expected="a new folder, or the store of the same files and options",
            got="a store of another reading",
            remedy="choose another folder or delete this one",
        )
    store.verify()
    return store


def _find_files(place: Path) -> Files:
    known = ", ".join(READERS)
    if place.is_file():
        if place.suffix not in READERS:
            raise DataError(
                f"{place}", expected=f"a name that ends in {known}", got=repr(place.suffix), remedy="convert the file"
            )
        return {None: place}
    if not place.is_dir():
        raise DataError(
            f"activations {place}", expected="a file or folder", got="nothing there", remedy="check --activations"
        )
    by_ending = {e: {s: p for s in SPLITS if (p := find_split(place, s, e))} for e in READERS}
    present = {e: files for e, files in by_ending.items() if files}
    if len(present) != 1:
        came = " and ".join(present) or "none"
        wanted = f"train, valid and test files of one ending ({known})"
        raise DataError(f"activations {place}", expected=wanted, got=came, remedy="keep one format, a file a split")
    ((ending, files),) = present.items()
    for split in SPLITS:
        if split not in files:
            names = ", ".join(f"{name}{ending}" for name in SPLIT_NAMES[split])
            came = "only " + ", ".join(p.name for p in files.values())
            remedy = "add the file, or name one single file to have its lines dealt to the splits"
            raise DataError(f"{split} split in {place}", expected=f"one of {names}", got=came, remedy=remedy)
        if files[split].suffix == ".gz":
            raise DataError(f"{files[split]}", expected="an unpacked file", got="gzip", remedy="unpack it with gunzip")
    return {split: files[split] for split in SPLITS}


def _beside(path: Path, ending: str, what: str = "") -> Path | None:
    """The file of the same name with another ending, plain or .gz; `what` it holds where it is needed."""
    present = [p for gz in ("", ".gz") if (p := path.with_name(f"{path.stem}{ending}{gz}")).is_file()]
    if len(present) > 1:
        names = " and ".join(p.name for p in present)
        raise DataError(f"{path}", expected=f"one {ending} file next to it", got=names, remedy="remove one of them")
    if not present and what:
        wanted = f"{path.stem}{ending} (or .gz) next to it"
        raise DataError(f"{path}", expected=wanted, got="none", remedy=f"add it, {what}")
    return present[0] if present else None


def _fingerprint(files: Files, options: object) -> str:
    """What identifies an import: the files' bytes and the options."""
    sha = hashlib.sha256(repr(options).encode())
    for split, path in files.items():
        for file in (path, *(p for ending in (".in", ".label", ".group") if (p := _beside(path, ending)))):
            with whole(file, "readable"), file.open("rb") as f:
                kind = file.name.removeprefix(path.stem)
                sha.update(f"{split}{kind}{hashlib.file_digest(f, 'sha256').hexdigest()}".encode())
    return sha.hexdigest()


@dataclass(frozen=True)
class _Input:
    path: Path
    reader: Reader
    examples: tuple[Example, ...]  # one a line, in order


def _open_input(split: Split | None, path: Path, limits: Limits) -> _Input:
    """Labels and texts of one file, and a reader that has been checked against them."""
    kind = READERS[path.suffix]
    tags = _beside(path, ".label", "the labels of the rows")
    assert tags is not None  # noqa: S101  # else refused
    if issubclass(kind, SentenceReader):
        lines = _beside(path, ".in", "the lines that the activations were read from")
        assert lines is not None  # noqa: S101  # else refused
        code, labels = (read_text(p, limits, row="line") for p in (lines, tags))
        examples = tuple(checked(tagged_lines(code, labels, split or "train"), limits, f"{lines}"))
        if split is None:
            examples = tuple(replace(e, id=f"{path.stem}:{n}") for n, e in enumerate(examples, start=1))
        return _Input(path, kind(path, [e.text for e in examples]), examples)
    reader = kind(path)
    return _Input(path, reader, _row_examples(path, reader, read_text(tags, limits, row="line"), split, limits))


def _row_examples(
    path: Path, reader: ArrayReader, tags: TextFile, split: Split | None, limits: Limits
) -> tuple[Example, ...]:
    """One example a row: its label on the whole text."""
    name = split or path.stem
    columns: dict[str, list[str]] = {".label": _column(path, tags, reader.rows)}
    for ending in (".in", ".group"):
        if file := _beside(path, ending):
            columns[ending] = _column(path, read_text(file, limits, row="line"), reader.rows)
    numbers = range(reader.rows)
    if ".in" not in columns:
        reader.notes.append("no .in file: each row is a type of its own, so lookup and unseen rows say nothing")
    if ".group" not in columns:
        reader.notes.append("no .group file: each row is a group of its own, so splits and intervals take rows apart")
    prefix = "row" if split in (None, "train") else f"{split} row"  # no type occurs in two splits
    texts = columns.get(".in", [f"{prefix} {i}" for i in numbers])
    groups = columns.get(".group", [f"{name}:{i + 1}" for i in numbers])
    for ending, column in columns.items():
        if ending != ".in" and "" in column:
            where = f"{path.stem}{ending} line {column.index('') + 1}"
            raise DataError(where, expected=f"a {ending[1:]}", got="an empty line", remedy="fill it in")
    return tuple(
        Example(f"{name}:{i + 1}", text, (Span(0, len(text), label),), split or "train", group)
        for i, text, label, group in zip(numbers, texts, columns[".label"], groups, strict=True)
    )


def _column(path: Path, file: TextFile, rows: int) -> list[str]:
    lines = split_lines(file.text)
    if len(lines) != rows:
        wanted = f"{rows} lines, one a row of {path.name}"
        raise DataError(f"{file.path}", expected=wanted, got=f"{len(lines)}", remedy="make both files line up")
    return lines


def _as_dataset(
    inputs: Sequence[_Input], source: str, deal: bool, seed: int, shares: Sequence[float] | None
) -> Dataset:
    """All examples; no group occurs in two splits."""
    examples = tuple(e for i in inputs for e in i.examples)
    if deal:
        groups = {e.group for e in examples if e.spans}
        if len(groups) < len(SPLITS):
            wanted = "at least 3 different lines or groups, one a split"
            raise DataError(source, expected=wanted, got=f"{len(groups)}", remedy="add data, or give a file a split")
        splits = deal_files(groups, seed, shares)
        return Dataset(tuple(replace(e, split=splits.get(e.group, "train")) for e in examples), source)
    first: dict[str, Split] = {}
    for e in examples:
        first.setdefault(e.group, e.split)
    dropped = Counter(
        f"{e.split} lines or rows dropped: also in {first[e.group]}"
        for e in examples
        if e.spans and first[e.group] != e.split
    )
    return Dataset(tuple(e for e in examples if first[e.group] == e.split), source, dict(dropped))


def _notes(
    inputs: Sequence[_Input], dataset: Dataset, sample: Sample, limits: Mapping[Split, int], dealt: str
) -> list[str]:
    """What a user has to know of the import."""
    names = ", ".join(i.path.name for i in inputs)
    notes = [f"imported from {inputs[0].reader.kind} ({names}); made elsewhere, not checked against a model"]
    notes += [dealt] if dealt else []
    notes += dict.fromkeys(note for i in inputs for note in i.reader.notes)
    notes += [f"{count:,} {what}" for what, count in dataset.notes.items()]
    return notes + sample.notes(limits)


class _Rows:
    """The chosen rows, by split, then line, then place: where each is, and what the store records of it."""

    def __init__(self, inputs: Sequence[_Input], dataset: Dataset, sample: Sample) -> None:
        self.inputs, self.rows, self.empty = inputs, sample.rows, sample.empty
        self.layers, self.width = inputs[0].reader.size
        place = {e.id: (i, number) for i, x in enumerate(inputs) for number, e in enumerate(x.examples)}
        self.examples = [dataset.examples[i] for i in sample.rows.example]
        self.where = [
            (*place[e.id], e.text[: int(start)].count(" "))
            for e, start in zip(self.examples, self.rows.start, strict=True)
        ]

    def _of(self, split: Split) -> list[int]:
        return [n for n, e in enumerate(self.examples) if e.split == split]

    def _fit(self) -> int:
        return max(1, SHARD_BYTES // (self.layers * self.width * 4))

    def shards(self) -> list[tuple[Split, list[int]]]:
        """Row numbers of each shard; the same rows always give the same shards."""
        step = self._fit()
        return [(s, rows[i : i + step]) for s in SPLITS for rows in (self._of(s),) for i in range(0, len(rows), step)]

    def values(self, numbers: Sequence[int]) -> Float[Tensor, "rows layers width"]:
        """Read rows in float32, file by file."""
        parts = []
        for index, members in groupby(numbers, key=lambda n: self.where[n][0]):
            parts.append(self.inputs[index].reader.read([self.where[n][1:] for n in members]))
        return torch.cat(parts)

    def manifest(self, model: str, notes: list[str], reading: str) -> Manifest:
        """Each layer's dtype is decided on train rows, evenly spaced."""
        train = self._of("train")
        chosen = np.unique(
            np.linspace(0, len(train) - 1, min(len(train), SAMPLE_ROWS, self._fit())).round().astype(int)
        )
        sample = self.values([train[i] for i in chosen])
        return Manifest(
            model=model,
            revision=None,
            adapter={},
            site="hidden",
            layers=self.layers,
            width=self.width,
            labels=list(self.rows.labels),
            dtypes=[choose_dtype(x, "auto") for x in sample.unbind(1)],
            counts=asdict(UnitCounts(kept=len(self.rows), empty=self.empty)),
            long_examples=0,
            self_check={},
            notes=notes,
            rows={s: len(self._of(s)) for s in SPLITS},
            reading=reading,
        )

    def table(self, numbers: Sequence[int]) -> pa.Table:
        """The row table of a shard."""
        records = []
        for n in numbers:
            e, start, end, label = (
                self.examples[n],
                *(int(c[n]) for c in (self.rows.start, self.rows.end, self.rows.label)),
            )
            records.append(
                {
                    "row": n, "example": e.id, "group": e.group, "text": e.text[start:end], "start": start, "end": end,
                    "label": self.rows.labels[label], "label_id": label, "split": e.split, "window": 0,
                }
            )  # fmt: skip
        return pa.Table.from_pylist(records, schema=ROW_SCHEMA)
