"""One pass over rows that holds all that concept scores need: memory depends on neurons and values, never on rows.

A neuron's values fall into fixed bins, even in asinh((value − centre) / scale): fine near the centre, and separate a
hundred spreads away, where rare concepts live. What two values of one bin would add to a score is lost: an AUROC is off
by at most half the share of (positive, negative) pairs that share a bin.

For the spread between files each cluster falls into one of `BUCKETS` by its name, and sums are kept for each: so
merged accumulators, and rows in any order, give the same, at the price of coarser degrees of freedom.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from zlib import crc32

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from neurosieve.errors import DataError, not_finite

BINS = 128
REACH = 100.0  # spreads from the centre at which the last bins begin
BUCKETS = 64
_JOINT = 64  # values of several properties counted at once: as many cells as a block has rows
_BLOCK = 64  # neurons counted at once
_ROWS = 8192


@dataclass(frozen=True)
class ConceptSums:
    """Sums over rows for each neuron and property value.

    Attributes:
        values: (property, value) of each column.
        centre: What bins are measured from, shape [neurons].
        scale: Spread in which they are measured, shape [neurons].
        histogram: Rows in each bin, shape [neurons, bins].
        positive: Rows with the value in each bin, shape [neurons, bins, values].
        applies: Rows with some value of the column's property in each bin, shape [neurons, bins, properties].
        total: Σ z a bucket, with z = (value − centre) / scale, shape [buckets, neurons].
        squares: Σ z², shape [neurons].
        rows: Rows a bucket, shape [buckets].
        positive_total: Σ z over rows with the value, shape [buckets, neurons, values].
        positive_squares: Σ z² over them, shape [neurons, values].
        positive_rows: Rows with the value, shape [buckets, values].
    """

    values: tuple[tuple[str, str], ...]
    centre: Float[np.ndarray, " neurons"]
    scale: Float[np.ndarray, " neurons"]
    histogram: Int[np.ndarray, "neurons bins"]
    positive: Int[np.ndarray, "neurons bins values"]
    applies: Int[np.ndarray, "neurons bins properties"]
    total: Float[np.ndarray, "buckets neurons"]
    squares: Float[np.ndarray, " neurons"]
    rows: Int[np.ndarray, " buckets"]
    positive_total: Float[np.ndarray, "buckets neurons values"]
    positive_squares: Float[np.ndarray, "neurons values"]
    positive_rows: Int[np.ndarray, "buckets values"]


class ConceptAccumulator:
    """Adds up rows; `result` gives the sums so far.

    Args:
        values: The values of each property, by property; a row's code is a value's number or −1.
        centre: Of each neuron's values, for example their mean on some rows, shape [neurons].
        scale: Their spread; a neuron that never varies may have any, shape [neurons].
        threads: Blocks of neurons counted side by side.

    Cost: some 4 ns for each row, neuron and group of properties; 4 · neurons · (bins · (values + properties) + buckets
    · values) bytes.
    """

    def __init__(
        self,
        values: Mapping[str, Sequence[str]],
        centre: Float[Tensor, " neurons"],
        scale: Float[Tensor, " neurons"],
        *,
        threads: int = 2,
    ) -> None:
        self._properties = list(values)
        self._sizes = [len(v) for v in values.values()]
        self._values = tuple((p, v) for p, names in values.items() for v in names)
        self._first = np.cumsum([0, *self._sizes])
        self._centre, self._scale, self._threads = centre, scale, threads
        n, v = len(centre), len(self._values)
        self._histogram = torch.zeros(n, BINS, dtype=torch.int32)
        self._positive = torch.zeros(n, BINS, v, dtype=torch.int32)
        self._applies = torch.zeros(n, BINS, len(self._sizes), dtype=torch.int32)
        self._total = torch.zeros(BUCKETS, n, dtype=torch.float64)
        self._squares = torch.zeros(n, dtype=torch.float64)
        self._rows = torch.zeros(BUCKETS, dtype=torch.int64)
        self._positive_total = torch.zeros(BUCKETS, n, v, dtype=torch.float32)
        self._positive_squares = torch.zeros(n, v, dtype=torch.float64)
        self._positive_rows = torch.zeros(BUCKETS, v, dtype=torch.int64)

    def update(
        self,
        x: Float[Tensor, "rows neurons"],
        codes: Int[np.ndarray, "rows properties"],
        bucket: Int[np.ndarray, " rows"],
    ) -> None:
        """Add rows; `bucket` is `buckets_of` their clusters.

        Raises:
            DataError: A code or bucket out of range, or values that are not finite; nothing is added then.
        """
        self._check(x, codes, bucket)
        order = np.argsort(bucket, kind="stable")
        for begin in range(0, len(order), _ROWS):
            part = torch.from_numpy(order[begin : begin + _ROWS])
            z = ((x.index_select(0, part).float() - self._centre) / self._scale).T.contiguous()
            rows = codes[part.numpy()]
            self._count(z, rows)
            self._sum(z, rows, bucket[part.numpy()])

    def merge(self, other: "ConceptAccumulator") -> None:
        """Add what another one of the same neurons, bins and values has seen.

        Raises:
            DataError: Its neurons, bins or values differ.
        """
        same = torch.equal(self._centre, other._centre) and torch.equal(self._scale, other._scale)
        if self._values != other._values or not same:
            raise DataError(
                "accumulators",
                expected="the same values, centres and scales",
                got="others",
                remedy="build them in the same way",
            )
        for name, sums in vars(self).items():
            if isinstance(sums, Tensor) and name not in ("_centre", "_scale"):
                sums += getattr(other, name)

    def result(self) -> ConceptSums:
        """The sums so far."""
        sums = {k[1:]: t.numpy().copy() for k, t in vars(self).items() if isinstance(t, Tensor)}
        return ConceptSums(values=self._values, **sums)

    def _check(self, x: Tensor, codes: np.ndarray, bucket: np.ndarray) -> None:
        if len(codes) and ((codes < -1) | (codes >= np.array(self._sizes))).any():
            raise DataError("codes", expected="numbers of values, or -1", got="others", remedy="number them again")
        if len(bucket) and not 0 <= bucket.min() <= bucket.max() < BUCKETS:
            raise DataError("buckets", expected=f"0 to {BUCKETS - 1}", got="others", remedy="take buckets_of")
        if not bool(torch.isfinite(x).all()):
            raise not_finite("values", "finite")

    def _count(self, z: Tensor, codes: np.ndarray) -> None:
        groups = list(self._groups(codes))

        def block(begin: int) -> None:
            neurons = slice(begin, min(begin + _BLOCK, len(z)))
            bins = bin_of(z[neurons])
            bins += torch.arange(len(bins))[:, None] * BINS
            self._histogram[neurons] += torch.bincount(bins.flatten(), minlength=len(bins) * BINS).view(-1, BINS)
            for joint, members in groups:
                cells = len(members[0][1])
                count = torch.bincount((bins * cells + joint).flatten(), minlength=len(bins) * BINS * cells)
                count = count.view(-1, BINS, cells).float()
                for p, value_of in members:
                    one_hot = torch.nn.functional.one_hot(value_of, self._sizes[p] + 1).float()  # 0: does not apply
                    counts = (count @ one_hot).to(torch.int32)[..., 1:]
                    self._positive[neurons, :, self._first[p] : self._first[p + 1]] += counts
                    self._applies[neurons, :, p] += counts.sum(-1, dtype=torch.int32)

        with ThreadPoolExecutor(self._threads) as pool:
            list(pool.map(block, range(0, len(z), _BLOCK)))

    def _groups(self, codes: np.ndarray) -> Iterator[tuple[Tensor, list[tuple[int, Tensor]]]]:
        """Properties in groups of few joint values: each row's joint number, and the value of each property in it."""
        open_, cells = list[int](), 1
        for p in [*range(len(self._sizes)), -1]:
            size = self._sizes[p] + 1 if p >= 0 else _JOINT + 1
            if open_ and cells * size > _JOINT:
                joint, members, rest = np.zeros(len(codes), dtype=np.int64), [], np.arange(cells)
                for q in open_:
                    joint = joint * (self._sizes[q] + 1) + codes[:, q] + 1
                for q in reversed(open_):
                    members.append((q, torch.from_numpy(rest % (self._sizes[q] + 1))))
                    rest = rest // (self._sizes[q] + 1)
                yield torch.from_numpy(joint), members
                open_, cells = [], 1
            open_.append(p)
            cells *= size

    def _sum(self, z: Tensor, codes: np.ndarray, bucket: np.ndarray) -> None:
        y = z.new_zeros(len(codes), len(self._values))
        for p, first in enumerate(self._first[:-1]):
            has = np.flatnonzero(codes[:, p] >= 0)
            y[has, first + codes[has, p]] = 1
        squared = z * z
        self._squares += squared.double().sum(1)
        self._positive_squares += squared @ y
        bounds = np.flatnonzero(np.diff(bucket, prepend=-1, append=BUCKETS))
        for a, b in pairwise(bounds.tolist()):
            file = int(bucket[a])
            self._rows[file] += b - a
            self._total[file] += z[:, a:b].double().sum(1)
            self._positive_total[file] += z[:, a:b] @ y[a:b]
            self._positive_rows[file] += y[a:b].sum(0).long()


def bin_of(z: Float[Tensor, "*some"]) -> Int[Tensor, "*some"]:
    """The bin of each standardised value, 0 to `BINS` − 1."""
    width = BINS / (2 * math.asinh(REACH))
    return (torch.asinh(z) * width + BINS / 2).clamp_(0, BINS - 1).to(torch.int64)


def buckets_of(clusters: Sequence[str]) -> Int[np.ndarray, " rows"]:
    """The bucket of each row's cluster, by its name: the same in every process."""
    known = {name: crc32(name.encode("utf-8", "surrogatepass")) % BUCKETS for name in set(clusters)}
    return np.array([known[name] for name in clusters], dtype=np.int64)
