"""Sound splits of pairs: no pair, group or function in two of them, and a validation split made from train."""

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
    """Drop pairs that occur in an earlier split, in either order of their texts, or whose group does.

    Args:
        dataset: Pairs.
        functions: Which of the two texts may not occur in two splits.
        keep: Count such pairs, and those with such a text, and keep them.

    Raises:
        DataError: Such a text does, in another pair.
    """
    seen: dict[tuple[str, ...] | str, Split] = {}
    home: dict[str, Split] = {}
    kept: list[Pair] = []
    shared: list[tuple[Pair, Split]] = []
    notes: Counter[str] = Counter()
    done = "kept" if keep else "dropped"
    for split in SPLITS:
        here: dict[tuple[str, ...] | str, Split] = {}
        for p in (p for p in dataset.pairs if p.split == split):
            texts = [dataset.examples[i].group for i in (p.left, p.right)]
            keys = (tuple(sorted(texts)), p.group)
            if earlier := next((seen[key] for key in keys if key in seen), None):
                notes[f"{split} pairs {done}: also in {earlier}"] += 1
                here |= dict.fromkeys(keys, split) if keep else {}
                kept += [p] if keep else []
                continue
            homes = [home.setdefault(text, split) for text, checked in zip(texts, functions, strict=True) if checked]
            shared += [(p, other) for other in homes if other != split][:1]
            here |= dict.fromkeys(keys, split)
            kept.append(p)
        seen = here | seen
    if shared and not keep:
        raise _shared(dataset, shared)
    notes.update(f"{p.split} pairs kept: a function of theirs is also in {earlier}" for p, earlier in shared)
    return dataclasses.replace(dataset, pairs=tuple(kept), notes=dict(dataset.notes) | dict(notes))


def _shared(dataset: Dataset, shared: Sequence[tuple[Pair, Split]]) -> DataError:
    """Of pairs with a function of an earlier split; for the first split that has any."""
    first, earlier = shared[0]
    count = sum(p.split == first.split for p, _ in shared)
    total = sum(p.split == first.split for p in dataset.pairs)
    return DataError(
        f"{first.split} split",
        expected="functions that are in no earlier split",
        got=f"{count:,} of {total:,} pairs with one that does, the first {first.id} (in {earlier})",
        remedy="split by function, or continue with --keep-overlap",
    )


def carve_pairs(dataset: Dataset, share: float, seed: int) -> Dataset:
    """Move a share of the train pairs to validation: whole groups, and what shares a text with them.

    Raises:
        DataError: All pairs hang together.
    """
    group = components(dataset)
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


def components(dataset: Dataset) -> np.ndarray:
    """The component of each example: those of a pair fall together, and so do pairs of one group in one split."""
    count = len(dataset.examples)
    place: dict[tuple[Split, str], int] = {}
    ends = [
        (p.left, end)
        for p in dataset.pairs
        for end in (p.right, count + place.setdefault((p.split, p.group), len(place)))
    ]
    left, right = np.array(ends, dtype=np.int64).reshape(-1, 2).T
    size = count + len(place)
    graph = coo_array((np.ones(len(ends)), (left, right)), shape=(size, size))
    return np.asarray(connected_components(graph, directed=False)[1])[:count]
