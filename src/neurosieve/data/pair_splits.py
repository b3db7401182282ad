"""Sound splits of pairs: no pair and no function in two of them, and a validation split made from train."""

import dataclasses
import random
from collections import Counter
from collections.abc import Sequence

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from neurosieve.data.dataset import Dataset, Pair
from neurosieve.errors import DataError
from neurosieve.typing import SPLITS, Split


def separate_pairs(dataset: Dataset, functions: tuple[bool, bool], *, keep: bool = False) -> Dataset:
    """Drop pairs that stand in an earlier split, whichever text comes first.

    Args:
        dataset: Pairs.
        functions: Which of the two texts may not stand in two splits.
        keep: Count such pairs, and those with such a text, and keep them.

    Raises:
        DataError: Such a text does, in another pair.
    """
    seen: dict[tuple[str, ...], Split] = {}
    home: dict[str, Split] = {}
    kept: list[Pair] = []
    shared: list[tuple[Pair, Split]] = []
    notes: Counter[str] = Counter()
    done = "kept" if keep else "dropped"
    for split in SPLITS:
        here: dict[tuple[str, ...], Split] = {}
        for p in (p for p in dataset.pairs if p.split == split):
            texts = [dataset.examples[i].group for i in (p.left, p.right)]
            key = tuple(sorted(texts))
            if key in seen:
                notes[f"{split} pairs {done}: also in {seen[key]}"] += 1
                kept += [p] if keep else []
                continue
            homes = [home.setdefault(text, split) for text, checked in zip(texts, functions, strict=True) if checked]
            shared += [(p, earlier) for earlier in homes if earlier != split][:1]
            here[key] = split
            kept.append(p)
        seen = here | seen
    if shared and not keep:
        raise _shared(dataset, shared)
    notes.update(f"{p.split} pairs kept: a function of theirs is also in {earlier}" for p, earlier in shared)
    return dataclasses.replace(dataset, pairs=tuple(kept), notes=dict(dataset.notes) | dict(notes))


def _shared(dataset: Dataset, shared: Sequence[tuple[Pair, Split]]) -> DataError:
    """Of pairs with a function of an earlier split; told of the first split that has any."""
    first, earlier = shared[0]
    count = sum(p.split == first.split for p, _ in shared)
    total = sum(p.split == first.split for p in dataset.pairs)
    return DataError(
        f"{first.split} split",
        expected="functions that stand in no earlier split",
        got=f"{count:,} of {total:,} pairs with one that does, the first {first.id} (in {earlier})",
        remedy="split by function, or go on with --keep-overlap",
    )


def carve_pairs(dataset: Dataset, share: float, seed: int) -> Dataset:
    """Move a share of the train pairs to validation: whole groups that share a text, directly or by way of others.

    Raises:
        DataError: All pairs hang together.
    """
    group = _components(dataset)
    train = [i for i, p in enumerate(dataset.pairs) if p.split == "train"]
    sizes = Counter(int(group[dataset.pairs[i].left]) for i in train)
    names = sorted(sizes)
    random.Random(seed).shuffle(names)
    chosen: set[int] = set()
    wanted = share * len(train)
    for name in names:  # a group that would bring far more than is wanted stays in train
        if (
            sum(sizes[c] for c in chosen) < wanted
            and sizes[name] <= max(2 * wanted, 1)
            and len(chosen) < len(names) - 1
        ):
            chosen.add(name)
    if not chosen:
        raise DataError(
            "train split",
            expected="pairs in groups that share no function, some for validation",
            got=f"{len(train)} pairs, most in one group",
            remedy="add a validation file",
        )
    moved = {i for i, e in enumerate(dataset.examples) if e.split == "train" and int(group[i]) in chosen}
    examples = tuple(
        dataclasses.replace(e, split="validation") if i in moved else e for i, e in enumerate(dataset.examples)
    )
    pairs = tuple(p._replace(split="validation") if p.left in moved else p for p in dataset.pairs)
    return dataclasses.replace(dataset, examples=examples, pairs=pairs)


def _components(dataset: Dataset) -> np.ndarray:
    """The group of each example: those linked by pairs fall together."""
    ends = np.array([(p.left, p.right) for p in dataset.pairs], dtype=np.int64).reshape(-1, 2)
    count = len(dataset.examples)
    graph = coo_array((np.ones(len(ends)), (ends[:, 0], ends[:, 1])), shape=(count, count))
    return np.asarray(connected_components(graph, directed=False)[1])
