"""Token tagging from raw source files: one example a file, labels from the syntax tree, files grouped into splits."""

import hashlib
import random
from collections.abc import Iterable
from dataclasses import replace
from itertools import repeat
from pathlib import Path

from neurosieve.data.dataset import Dataset, Example
from neurosieve.data.files import SPLIT_NAMES, read_text
from neurosieve.data.labels import label_spans
from neurosieve.errors import DataError
from neurosieve.typing import SPLITS, Split

ENDINGS = (".py", ".py.gz")
SHARES: dict[Split, float] = {"train": 0.6, "validation": 0.15, "test": 0.25}


def find_sources(folder: Path) -> list[Path]:
    """All source files below a folder whose language is known, in a fixed order."""
    return sorted(p for p in folder.rglob("*") if p.is_file() and p.name.endswith(ENDINGS))


def read_sources(folder: Path, scheme: str, seed: int, *, validation_needed: bool = True) -> Dataset:
    """A data set from the source files below a folder.

    Folders named `train`, `validation` and `test` directly below it give the splits; where there is no train or no
    test folder, whole files are dealt to the splits by seed (60 / 15 / 25 %).

    Raises:
        DataError: No source file, a file that cannot be read, or a validation folder where none is wanted or none
            where one is needed.
        ConfigError: Unknown scheme.
    """
    paths = find_sources(folder)
    if not paths:
        raise DataError(
            f"{folder}",
            expected=f"split files or source files ({', '.join(ENDINGS)})",
            got="neither",
            remedy="point --data at the folder that holds them",
        )
    files = {p.relative_to(folder).as_posix(): p for p in paths}
    splits = _named_splits(files) or deal_files(files, seed)
    if ("validation" in splits.values()) != validation_needed:
        raise DataError(
            f"validation split in {folder}",
            expected="a validation folder beside train and test" if validation_needed else "none from the folder",
            got="none" if validation_needed else "one",
            remedy="pass --validation-from-train 0.1" if validation_needed else "leave --validation-from-train out",
        )
    dataset = label_files({n: p for n, p in files.items() if n in splits}, splits, scheme, str(folder))
    outside = len(files) - len(splits)
    notes = dict(dataset.notes) | ({"source files outside the split folders": outside} if outside else {})
    return replace(dataset, notes=notes)


def _named_splits(names: Iterable[str]) -> dict[str, Split]:
    """Splits by the folders' names; empty unless there is a train and a test folder."""
    by_name: dict[str, Split] = {name: split for split, called in SPLIT_NAMES.items() for name in called}
    tops = {name: name.split("/")[0] for name in names if "/" in name}
    found = {name: by_name[top] for name, top in tops.items() if top in by_name}
    return found if {"train", "test"} <= set(found.values()) else {}


def deal_files(names: Iterable[str], seed: int) -> dict[str, Split]:
    """Whole files to splits, by seed.

    Raises:
        DataError: Fewer than three files.
    """
    order = sorted(names)
    if len(order) < len(SPLITS):
        raise DataError(
            "source files", expected="at least 3, one a split", got=f"{len(order)}", remedy="add more files"
        )
    random.Random(seed).shuffle(order)
    train = max(1, round(SHARES["train"] * len(order)))
    validation = max(1, round(SHARES["validation"] * len(order)))
    train = min(train, len(order) - validation - 1)
    cuts: list[Split] = [*repeat(SPLITS[0], train), *repeat(SPLITS[1], validation)]
    return {name: cuts[i] if i < len(cuts) else "test" for i, name in enumerate(order)}


def label_files(files: dict[str, Path], splits: dict[str, Split], scheme: str, source: str) -> Dataset:
    """Read and label files; empty ones (`__init__.py`) are counted and left out."""
    examples, hashes, empty = [], {}, 0
    for name, path in sorted(files.items()):
        file = read_text(path, blank=True)
        if not file.text.strip():
            empty += 1
            continue
        hashes[name] = file.sha256
        examples.append(Example(name, file.text, label_spans(file.text, scheme), splits[name], name))
    total = hashlib.sha256("".join(f"{k}{v}" for k, v in hashes.items()).encode()).hexdigest()
    notes = {"empty files": empty} if empty else {}
    return Dataset(tuple(examples), f"{source}: {len(examples)} source files, {scheme} labels", notes, {"files": total})
