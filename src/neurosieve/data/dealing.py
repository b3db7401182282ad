"""Dealing one file or folder without splits of its own: whole groups to train, validation and test, by seed."""

import dataclasses
import math
import random
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate
from pathlib import Path

from neurosieve.data.dataset import Dataset
from neurosieve.data.pair_splits import components
from neurosieve.errors import ConfigError, DataError
from neurosieve.typing import SPLITS, Split

SHARES = (0.6, 0.15, 0.25)
Splits = dict[str, Split]


def checked_shares(shares: Sequence[float] | None) -> tuple[float, float, float] | None:
    """The shares of train, validation and test that were asked for.

    Raises:
        ConfigError: They are not three, not positive, or do not add up to 1.
    """
    if shares is None:
        return None
    if len(shares) != len(SPLITS) or not all(0 < s < 1 for s in shares) or not math.isclose(sum(shares), 1):
        raise ConfigError(
            "--splits",
            expected="three shares above 0 that add up to 1",
            got=",".join(f"{s:g}" for s in shares) or "none",
            remedy="for example --splits 0.8,0.1,0.1",
        )
    return shares[0], shares[1], shares[2]


def refuse_shares(shares: Sequence[float] | None, where: str, got: str) -> None:
    """For data with splits of its own.

    Raises:
        ConfigError: Shares were asked for.
    """
    if shares is not None:
        raise ConfigError(
            "--splits", expected="data without splits of its own", got=f"{got} in {where}", remedy="leave it out"
        )


def deal(sizes: Mapping[str, int], seed: int, shares: Sequence[float] | None = None, what: str = "groups") -> Splits:
    """Whole groups to splits, in an order drawn by seed: each split takes what comes nearest to its share of the rows.

    Args:
        sizes: Rows of each group.
        seed: Of the order.
        shares: Of train, validation and test; `SHARES` by default.
        what: The groups, in the error message.

    Raises:
        DataError: Fewer than three groups.
    """
    order = sorted(sizes)
    if len(order) < len(SPLITS):
        raise DataError(what, expected="at least 3, one a split", got=f"{len(order)}", remedy="add more")
    random.Random(seed).shuffle(order)
    ends = [0, *accumulate(sizes[name] for name in order)]
    first, second, _ = shares or SHARES

    def cut(begin: int, share: float, last: int) -> int:
        """The place whose rows after `begin` are nearest to the share; of two the even one, as `round` has it."""
        wanted = share * ends[-1]
        return min(range(begin + 1, last + 1), key=lambda i: (abs(ends[i] - ends[begin] - wanted), (i - begin) % 2))

    train = cut(0, first, len(order) - 2)
    validation = cut(train, second, len(order) - 1)
    return {name: "train" if i < train else "validation" if i < validation else "test" for i, name in enumerate(order)}


def deal_dataset(dataset: Dataset, path: Path, seed: int, shares: Sequence[float] | None) -> Dataset:
    """Deal a data set that was read as train from one file; of pairs, what shares a text or group stays together.

    Raises:
        DataError: Fewer than three groups.
    """
    if dataset.pairs:
        names = [str(group) for group in components(dataset)]
        sizes = Counter(names[p.left] for p in dataset.pairs)
    else:
        names = [e.group for e in dataset.examples]
        sizes = Counter(names)
    splits = deal(sizes, seed, shares, f"groups of rows in {path.name}")
    stem = path.name.split(".")[0]

    def named(name: str) -> str:
        return f"{stem}:{name.removeprefix('train:')}"

    examples = tuple(
        dataclasses.replace(e, id=named(e.id), split=splits[name])
        for e, name in zip(dataset.examples, names, strict=True)
    )
    pairs = tuple(p._replace(id=named(p.id), split=splits[names[p.left]]) for p in dataset.pairs)
    return dataclasses.replace(
        dataset,
        examples=examples,
        pairs=pairs,
        notes=dict(dataset.notes) | dealt_note("rows", (unit.split for unit in pairs or examples), seed, len(sizes)),
    )


def dealt_note(what: str, splits: Iterable[Split], seed: int, groups: int | None = None) -> dict[str, int]:
    """The note on a dealing."""
    counts = Counter(splits)
    counted = ", ".join(f"{split} {counts[split]:,}" for split in SPLITS)
    whole = f" in {groups:,} whole groups" if groups is not None else ""
    return {f"{what} dealt to the splits by seed {seed}{whole}: {counted}": sum(counts.values())}
