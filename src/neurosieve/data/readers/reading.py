"""From a folder to a `Dataset` with three sound splits: the formats, the validation split, the overlaps."""

import dataclasses
import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from neurosieve.data.dataset import Dataset, Example
from neurosieve.data.dealing import checked_shares, deal_dataset, refuse_shares
from neurosieve.data.limits import LIMITS, Limits
from neurosieve.data.pair_splits import carve_pairs, separate_pairs
from neurosieve.data.readers.conll import conll_sentences
from neurosieve.data.readers.files import (
    PLACEHOLDER,
    data_folder,
    digest,
    find_splits,
    ignored_files,
    printable,
    read_text,
    single_file,
)
from neurosieve.data.readers.metering import RowKind, checked
from neurosieve.data.readers.pairs import read_pair_files
from neurosieve.data.readers.sequences import read_sequences
from neurosieve.data.readers.source import read_sources
from neurosieve.data.readers.table_files import ENDINGS
from neurosieve.data.readers.tagging import span_records, tagged_lines
from neurosieve.errors import ConfigError, DataError
from neurosieve.typing import SPLITS, PathLike, Split, Target


def read_tagging(
    path: PathLike,
    *,
    labels: str | None = None,
    validation_from_train: float | None = None,
    splits: Sequence[float] | None = None,
    keep_overlap: bool = False,
    seed: int = 0,
    limits: Limits = LIMITS,
) -> Dataset:
    """Read a token-tagging data set.

    Args:
        path: A folder with `SPLIT.in` + `SPLIT.label`, `SPLIT.jsonl`, `SPLIT.conll` or `SPLIT.conllu`, or with source
            files; each plain or `.gz`.
        labels: Labelling scheme for source files.
        validation_from_train: Share of the train groups that becomes the validation split where there is none.
        splits: Shares of train, validation and test of what is dealt here: one file, or source files.
        keep_overlap: Keep test examples that also occur in train or validation, and validation ones in train.
        seed: For the splits made here.
        limits: On the size of each file.

    Raises:
        DataError: Missing, broken, empty, ambiguous or too large files.
        ConfigError: Unknown scheme, or a share outside 0..1.
    """
    share, shares = _checked_share(validation_from_train), checked_shares(splits)
    if labels is not None:
        folder = data_folder(path)
        dataset = read_sources(folder, labels, seed, validation_needed=share is None, shares=shares, limits=limits)
    else:
        place = _place(path, [form.endings[0] for form in _FORMATS], share, shares)
        dataset = _read_split_files(place, limits, validation_needed=share is None)
        dataset = deal_dataset(dataset, place, seed, shares) if place.is_file() else dataset
    return _sound_splits(dataset, share, keep_overlap=keep_overlap, seed=seed)


def read_examples(
    path: PathLike,
    *,
    text: str,
    label: str,
    target: Target = "auto",
    validation_from_train: float | None = None,
    splits: Sequence[float] | None = None,
    keep_overlap: bool = False,
    seed: int = 0,
    limits: Limits = LIMITS,
) -> Dataset:
    """Read a data set of whole examples with one label each.

    Args:
        path: See `neurosieve.data.readers.sequences`.
        text: Column of the code.
        label: Column of the label.
        target: Do labels name classes, or are they values? `auto`: values where all are numbers and one is not whole.
        validation_from_train: As `read_tagging`.
        splits: As `read_tagging`.
        keep_overlap: As `read_tagging`.
        seed: For the splits made here.
        limits: On the size of each file.

    Raises:
        DataError: As `read_sequences`.
        ConfigError: A share outside 0..1.
    """
    share, shares = _checked_share(validation_from_train), checked_shares(splits)
    place = _place(path, ENDINGS, share, shares)
    dataset = read_sequences(place, text, label, validation_needed=share is None, target=target, limits=limits)
    dataset = deal_dataset(dataset, place, seed, shares) if place.is_file() else dataset
    return _sound_splits(dataset, share, keep_overlap=keep_overlap, seed=seed)


def read_pairs(
    path: PathLike,
    *,
    columns: tuple[str, str, str],
    target: Target = "auto",
    functions: tuple[bool, bool] = (True, True),
    validation_from_train: float | None = None,
    splits: Sequence[float] | None = None,
    keep_overlap: bool = False,
    seed: int = 0,
    limits: Limits = LIMITS,
) -> Dataset:
    """Read a data set of pairs with one label each.

    Pairs of validation and test that also occur in an earlier split are dropped and counted.

    Args:
        path: See `neurosieve.data.readers.pairs`.
        columns: Of the first text, the second text and the label.
        target: As `read_examples`.
        functions: Which of the two texts may not occur in two splits.
        validation_from_train: Share of train that becomes validation: whole groups of pairs that share a text.
        splits: As `read_tagging`.
        keep_overlap: Keep pairs, and functions, that occur in two splits.
        seed: For the splits made here.
        limits: On the size of each file.

    Raises:
        DataError: As `read_pair_files`; a function that occurs in two splits.
        ConfigError: A share outside 0..1.
    """
    share, shares = _checked_share(validation_from_train), checked_shares(splits)
    place = _place(path, ENDINGS, share, shares)
    dataset = read_pair_files(place, columns, validation_needed=share is None, target=target, limits=limits)
    dataset = deal_dataset(dataset, place, seed, shares) if place.is_file() else dataset
    if share is not None:
        dataset = carve_pairs(dataset, share, seed)
    return separate_pairs(dataset, functions, keep=keep_overlap)


def _place(path: PathLike, endings: Sequence[str], share: float | None, shares: Sequence[float] | None) -> Path:
    """The one file with the data of all splits; else the folder that holds files of the splits."""
    only = single_file(path, endings)
    if only is None:
        refuse_shares(shares, f"{path}", "files of the splits")
        return data_folder(path)
    if share is not None:
        raise ConfigError(
            "--validation-from-train",
            expected=f"none, as {only.name} is dealt to all splits",
            got=f"{share:g}",
            remedy="give --splits 0.8,0.1,0.1",
        )
    return only


def _checked_share(share: float | None) -> float | None:
    if share is not None and not 0 < share < 1:
        raise ConfigError(
            "--validation-from-train", expected="a share between 0 and 1", got=str(share), remedy="0.1 is usual"
        )
    return share


def _sound_splits(dataset: Dataset, share: float | None, *, keep_overlap: bool, seed: int) -> Dataset:
    if share is not None:
        dataset = _carve_validation(dataset, share, seed)
    return separate_examples(dataset, keep=keep_overlap)


class _Format(NamedTuple):
    """A format with one example a line, record or sentence.

    Attributes:
        endings: Of a split's files, the one with the text first.
        read: From these files and the split to examples.
        kind: What an example is, in words.
        row: What a line of its files is.
    """

    endings: tuple[str, ...]
    read: Callable[..., Iterator[Example]]
    kind: str
    row: RowKind


_SENTENCES = "sentences of tagged tokens; the context is one sentence"
_FORMATS = (
    _Format((".in", ".label"), tagged_lines, "lines of tagged tokens; the context is one line", "line"),
    _Format((".jsonl",), span_records, "examples with labelled spans", "line"),
    _Format((".conll",), conll_sentences, _SENTENCES, "sentence"),
    _Format((".conllu",), conll_sentences, _SENTENCES, "sentence"),
)


def _read_split_files(folder: Path, limits: Limits, *, validation_needed: bool) -> Dataset:
    if folder.is_file():
        return _read_one_file(folder, limits)
    formats = [
        (f, p) for f in _FORMATS if (p := find_splits(folder, f.endings[0], validation_needed=validation_needed))
    ]
    if not formats:
        raise DataError(
            f"{folder}",
            expected=f"SPLIT.in with SPLIT.label, SPLIT.jsonl, SPLIT.conll or SPLIT.conllu, also .gz ({PLACEHOLDER})",
            got="none of them",
            remedy="check --data, or pass --labels lexical for source files",
        )
    if len(formats) > 1:
        came = " and ".join(form.endings[0] for form, _ in formats)
        raise DataError(f"{folder}", expected="one format", got=f"{came} files", remedy="keep one of them")
    ((form, texts),) = formats
    partners = [_partners(folder, form, ending, validation_needed) for ending in form.endings[1:]]
    examples: list[Example] = []
    hashes: dict[str, str] = {}
    for split in texts:
        files = [read_text(paths[split], limits, row=form.row) for paths in (texts, *partners)]
        hashes |= {file.path.name: file.sha256 for file in files}
        examples.extend(checked(form.read(*files, split), limits, f"{files[0].path}"))
    used = [path for paths in (texts, *partners) for path in paths.values()]
    return Dataset(tuple(examples), f"{printable(folder.name)}: {form.kind}", ignored_files(folder, used), hashes)


def _read_one_file(path: Path, limits: Limits) -> Dataset:
    """Examples of all splits, called train."""
    form = next(f for f in _FORMATS if path.name.removesuffix(".gz").endswith(f.endings[0]))
    stem = path.name.removesuffix(".gz").removesuffix(form.endings[0])
    paths = [path]
    for ending in form.endings[1:]:
        present = [p for p in (path.with_name(f"{stem}{ending}{gz}") for gz in ("", ".gz")) if p.is_file()]
        if len(present) != 1:
            came = " and ".join(p.name for p in present) or "none"
            raise DataError(f"{path}", expected=f"{stem}{ending} next to it", got=came, remedy="keep one such file")
        paths += present
    files = [read_text(p, limits, row=form.row) for p in paths]
    hashes = {file.path.name: file.sha256 for file in files}
    examples = tuple(checked(form.read(*files, "train"), limits, f"{path}"))
    return Dataset(examples, f"{path.name}: {form.kind}", {}, hashes)


def _partners(folder: Path, form: _Format, ending: str, validation_needed: bool) -> dict[Split, Path]:
    paths = find_splits(folder, ending, validation_needed=validation_needed)
    if not paths:
        expected = f"a {ending} next to each {form.endings[0]}"
        raise DataError(f"{folder}", expected=expected, got="none", remedy=f"add SPLIT{ending} ({PLACEHOLDER})")
    return paths


def _carve_validation(dataset: Dataset, share: float, seed: int) -> Dataset:
    groups = sorted({e.group for e in dataset.examples if e.split == "train"})
    if len(groups) < 2:
        raise DataError(
            "train split",
            expected="at least two different lines, records or files, one for validation",
            got=f"{len(groups)}",
            remedy="add data, or a validation split of its own",
        )
    random.Random(seed).shuffle(groups)
    chosen = set(groups[: min(max(1, round(share * len(groups))), len(groups) - 1)])
    moved = tuple(
        dataclasses.replace(e, split="validation") if e.split == "train" and e.group in chosen else e
        for e in dataset.examples
    )
    return dataclasses.replace(dataset, examples=moved)


def separate_examples(dataset: Dataset, *, keep: bool = False) -> Dataset:
    """Drop validation examples whose text or group occurs in train, and test ones that occur in train or validation.

    Blank texts are kept: they hold no units.

    Args:
        dataset: Examples.
        keep: Count such examples, and keep them.
    """
    seen: dict[str, Split] = {}
    kept: list[Example] = []
    dropped: Counter[str] = Counter()
    done = "kept" if keep else "dropped"
    for split in SPLITS:
        here: dict[str, Split] = {}
        for e in dataset.split(split):
            keys = (digest(e.text), f"group {e.group}")
            earlier = next((seen[key] for key in keys if key in seen), None)
            again = bool(e.text.strip() and earlier)
            if again:
                dropped[f"{split} examples {done}: also in {earlier}"] += 1
            if keep or not again:
                kept.append(e)
                here |= dict.fromkeys(keys, split)
        seen = here | seen
    return dataclasses.replace(dataset, examples=tuple(kept), notes=dict(dataset.notes) | dict(dropped))
