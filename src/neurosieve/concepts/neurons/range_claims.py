"""Which ranges of activation hold a value: found on train files, claimed on held-out files beside the neuron's ends.

Found: of the live neurons the three of the highest average precision by their best range on train, each with the best
of all its ranges there. Claimed by the bounds of a neuron's claim (see `bounds`), and only if the range's average
precision is above that of the same neuron by its ends, by the lower bound of the paired difference: else the value
lives at an end, and there is nothing to say of a range.
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Int, UInt8

from neurosieve.concepts.neurons.bounds import lacking_above, lacking_by_bounds, lacking_by_score, lacking_on_train
from neurosieve.concepts.neurons.claiming import Claiming, Found
from neurosieve.concepts.neurons.held_out import PartBins
from neurosieve.concepts.neurons.histograms import BINS
from neurosieve.concepts.neurons.passes import Spread
from neurosieve.concepts.neurons.ranges import best_range, edges
from neurosieve.concepts.neurons.resampling import Difference, Measured, difference
from neurosieve.concepts.rows import ConceptStore
from neurosieve.results.measured import Difference as Shown
from neurosieve.results.value_ranges import ActivationRange, ValueRange

RANGES = 3


def range_candidates(
    ap: np.ndarray, live: Int[np.ndarray, " live"], most: int = RANGES
) -> Int[np.ndarray, "most values"]:
    """Columns of the live neurons whose ranges tell each value best on train, the best first."""
    order = np.argsort(-np.nan_to_num(ap[live], nan=-1.0), 0, kind="stable")
    columns: Int[np.ndarray, "most values"] = live[order[:most]]
    return columns


def train_bins(
    store: ConceptStore, columns: Int[np.ndarray, " some"], spread: Spread
) -> UInt8[np.ndarray, "some rows"]:
    """Bins of some neurons on train, in the order of the store: memory is rows × neurons bytes."""
    parts = map(PartBins.of(store.store, "train", columns, spread), store.store.parts("train"))
    bins: UInt8[np.ndarray, "some rows"] = torch.cat(list(parts)).T.contiguous().numpy()
    return bins


def found_range(bins: UInt8[np.ndarray, " rows"], positive: Bool[np.ndarray, " rows"]) -> tuple[int, int, float]:
    """First and last bin of a neuron's best range on rows, and its average precision."""
    of_bin = [np.bincount(part, minlength=BINS)[None].astype(np.float64) for part in (bins[positive], bins)]
    found = best_range(*of_bin)
    return int(found.first[0]), int(found.last[0]), float(found.ap[0])


@dataclass(frozen=True)
class RangeClaims:
    """What it takes to claim ranges.

    Attributes:
        claiming: Of single neurons; its held-out rows have the columns below too.
        spread: Of each neuron on train.
        columns: Candidates for each value, shape [candidates, values].
        bins: Of all candidates on train, shape [distinct candidates, rows].
        place: Row of `bins` of each neuron, by its column.
    """

    claiming: Claiming
    spread: Spread
    columns: Int[np.ndarray, "candidates values"]
    bins: UInt8[np.ndarray, "distinct rows"]
    place: dict[int, int]

    @staticmethod
    def of(claiming: Claiming, spread: Spread, columns: Int[np.ndarray, "candidates values"]) -> "RangeClaims":
        """Read the candidates on train. Cost: one pass over it."""
        distinct = np.unique(columns)
        bins = train_bins(claiming.held_out.store, distinct, spread)
        return RangeClaims(claiming, spread, columns, bins, {int(c): i for i, c in enumerate(distinct)})

    def ranges(self, value: Found) -> tuple[ValueRange, ...]:
        """The candidates' ranges of a value, the best on train first."""
        store = self.claiming.held_out.store
        positive = store.codes(value.name, "train") == value.value
        found = [self._range(value, int(column), positive) for column in self.columns[:, value.column]]
        return tuple(sorted(found, key=lambda one: -one.train_ap))

    def _range(self, value: Found, column: int, positive: Bool[np.ndarray, " rows"]) -> ValueRange:
        held, own = self.claiming.held_out, self.bins[self.place[column]]
        first, last, train_ap = found_range(own, positive)
        test = held.bins[held.place[column]]
        measured = held.resamples.measure(((test >= first) & (test <= last)).astype(np.int64), value.positive)
        low = bool(self.claiming.train.low[column, value.column])
        ends = held.resamples.measure(held.directed(column, low), value.positive)
        above = difference(measured, ends)
        inside = (own >= first) & (own <= last)
        lacking = lacking_on_train(train_ap, _area(inside, positive), 0.0) or self._lacking(value, measured, above)
        begin, end = edges(first, last, float(self.spread.centre[column]), float(self.spread.scale[column]))
        return ValueRange(
            range=ActivationRange(neuron=held.store.grid.neuron(column), low=begin, high=end),
            train_ap=train_ap,
            ap=measured.ap,
            interval=measured.ap_interval,
            auroc=measured.auroc,
            auroc_interval=measured.auroc_interval,
            ends_ap=ends.ap,
            above_ends=Shown(value=measured.ap - ends.ap, interval=None if above is None else above.interval),
            claimed=not lacking,
            lacking=lacking,
        )

    def _lacking(self, value: Found, measured: Measured, above: Difference | None) -> str:
        """What a range lacks on test; the rival's interval is measured only where all else holds."""
        rival, resamples = value.rival, self.claiming.held_out.resamples
        why = lacking_by_score(measured.ap, measured.auroc, rival, value.rivals[rival])
        why = why or lacking_by_bounds(measured, resamples.lacking(value.positive)) or _lacking_above_ends(above)
        if why:
            return why
        best = resamples.measure(self.claiming.guess(rival, value), value.positive)
        return lacking_above(difference(measured, best), rival)


def _lacking_above_ends(above: Difference | None) -> str:
    if above is None:
        return "not measured: no interval of the difference from the neuron's ends"
    low = above.interval[0]
    return "" if low > 0 else f"{above.value:+.2f} against the neuron's ends: lower bound {low:.2f} not above 0"


def _area(inside: Bool[np.ndarray, " rows"], positive: Bool[np.ndarray, " rows"]) -> float:
    """AUROC of the rule."""
    return float((1 + inside[positive].mean() - inside[~positive].mean()) / 2)
