"""The few neurons of each value or number: chosen on train by the better of two ways on validation, scored on test."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product
from typing import Literal

import numpy as np
import torch
from jaxtyping import Bool, Float, Int, Num
from torch import Tensor

from neurosieve.concepts.neurons.held_out import neuron_ids
from neurosieve.concepts.neurons.passes import Spread, spread_of
from neurosieve.concepts.neurons.scores import area_of_bins
from neurosieve.concepts.rows import ConceptStore
from neurosieve.concepts.sparse.few_probes import Fitted, fit_few
from neurosieve.concepts.sparse.orders import greedy_orders, probe_orders
from neurosieve.concepts.sparse.sample import TrainSample, train_sample
from neurosieve.concepts.sparse.told import Told, is_known, is_number, score_of, truth_of
from neurosieve.progress import track
from neurosieve.threads import map_threads
from neurosieve.typing import Split

Way = Literal["greedy", "probe"]
RANDOM_SETS = 10
_COLUMNS = 4096  # read at once


@dataclass(frozen=True)
class ChosenSet:
    """The k neurons of a value or number.

    Attributes:
        columns: Of the store, the heaviest first, shape [k].
        weights: Of the standardised neurons, in a regression on train, shape [k].
        way: By which they were chosen.
        validation: Average precision on validation; of a number R².
        validation_auroc: AUROC there; not a number of a number.
        scores: On test, by the number of the row, shape [rows].
    """

    columns: Int[np.ndarray, " k"]
    weights: Float[np.ndarray, " k"]
    way: Way
    validation: float
    validation_auroc: float
    scores: Float[np.ndarray, " rows"]


@dataclass(frozen=True)
class FewNeurons:
    """Chooses the sets of each value or number of a store, and draws random ones to compare with.

    Attributes:
        store: Of the rows.
        told: Values or numbers.
        sizes: Of the sets; none is above the live neurons.
        spread: Of the store on train.
        sample: The train rows from which is chosen.
        seed: Of rows and draws.
    """

    store: ConceptStore
    told: Told
    sizes: tuple[int, ...]
    spread: Spread
    sample: TrainSample
    seed: int

    @staticmethod
    def of(store: ConceptStore, told: Told, sizes: Sequence[int], seed: int = 0) -> "FewNeurons":
        """Read the sample; sizes above the live neurons are left out. Cost: two passes over train."""
        spread = spread_of(store)
        sample = train_sample(store, told, spread, seed)
        return FewNeurons(store, told, tuple(k for k in sizes if k <= len(sample.live)), spread, sample, seed)

    def sets(self) -> list[dict[int, ChosenSet]]:
        """The sets of each by size; none of a value that the sample or validation lacks.

        Test rows are scored by what was chosen; they play no part in the choice.
        """
        most = max(self.sizes, default=1)
        greedy = greedy_orders(self.sample, most)
        reader = _Reader(self.store, self.spread, self.sample)
        validation, by_row = truth_of(self.store, "validation", self.told), self._by_row()
        chosen = list[dict[int, ChosenSet]]()
        for part in track(list(_blocks(len(greedy), most)), f"{self.store.view} sets of few neurons"):
            fitted = map_threads(partial(_ways, self.sample, greedy, self.sizes, self.seed), part)
            best = reader.better(dict(zip(part, fitted, strict=True)), validation)
            chosen += reader.scored(best, by_row)
        return chosen

    def random_scores(self) -> Float[np.ndarray, "targets sizes draws"]:
        """Average precision, or R², on test of sets drawn from the live neurons, each fitted as a chosen one is.

        A draw is an order of neurons, the same for all; nan where test has no row with the value.
        """
        sample, most = self.sample, max(self.sizes, default=0)
        rng = np.random.default_rng(self.seed)
        orders = [rng.permutation(len(sample.live))[:most] for _ in range(RANDOM_SETS)]
        truth, reader = truth_of(self.store, "test", self.told), _Reader(self.store, self.spread, sample)
        places = list(product(range(len(self.sizes)), range(RANDOM_SETS)))

        def fit(place: tuple[int, int]) -> list[Fitted]:
            size, draw = place
            return fit_few(sample, orders[draw][: self.sizes[size]], sample.truth)

        result = np.full((len(truth), len(self.sizes), RANDOM_SETS), np.nan)
        probes = [probe for of_values in map_threads(fit, places) for probe in of_values]
        each = product(places, range(len(truth)))
        for (place, i), scores in zip(each, reader.scores("test", probes), strict=True):
            result[i, *place] = score_of(scores, truth[i])
        return result

    def _by_row(self) -> Int[np.ndarray, " rows"]:
        return np.argsort(self.store.numbers("test"), kind="stable")


def _blocks(values: int, most: int) -> Iterator[list[int]]:
    """Values whose neurons are read at once."""
    size = max(1, _COLUMNS // (2 * most))
    for begin in range(0, values, size):
        yield list(range(begin, min(begin + size, values)))


def _ways(
    sample: TrainSample, greedy: Int[np.ndarray, "values most"], sizes: Sequence[int], seed: int, value: int
) -> dict[tuple[Way, int], Fitted]:
    """The probes of a value or number on few neurons, by way and size."""
    truth = sample.truth[value]
    if not is_known(truth):
        return {}
    probe = probe_orders(sample, truth, sizes, seed)
    orders: dict[tuple[Way, int], np.ndarray] = {("greedy", k): greedy[value, :k] for k in sizes}
    orders |= {("probe", k): order for k, order in probe.items()}
    return {key: fit_few(sample, order, truth[None])[0] for key, order in orders.items()}


@dataclass(frozen=True)
class _Reader:
    """Reads a few neurons of a split and scores its rows by probes."""

    store: ConceptStore
    spread: Spread
    sample: TrainSample

    def columns(self, split: Split, live: Sequence[int]) -> Float[Tensor, "some rows"]:
        """Standardised values of some of the sample's neurons."""
        columns = self.sample.live[list(live)]
        z = self.store.columns(split, neuron_ids(self.store, columns)).float()
        return ((z - self.spread.centre[columns]) / self.spread.scale[columns]).T.contiguous()

    def scores(self, split: Split, probes: Sequence[Fitted]) -> Iterator[Float[np.ndarray, " rows"]]:
        """Of each probe on all rows of a split, in the order of the store."""
        live = sorted({int(i) for probe in probes for i in probe.live})
        place, z = {i: at for at, i in enumerate(live)}, self.columns(split, live)
        for probe in probes:
            rows = torch.tensor([place[int(i)] for i in probe.live], dtype=torch.long)
            found = (torch.from_numpy(probe.weights) @ z.index_select(0, rows)).numpy()
            yield found + np.float32(probe.intercept) if probe.intercept else found

    def better(
        self, fitted: Mapping[int, Mapping[tuple[Way, int], Fitted]], truth: Num[np.ndarray, "targets rows"]
    ) -> dict[int, dict[int, tuple[Fitted, Way, float, float]]]:
        """Of each value and size the way of the higher score on validation (`score_of`); of equals the greedy one."""
        flat = [(value, *key, probe) for value, ways in fitted.items() for key, probe in ways.items()]
        best: dict[int, dict[int, tuple[Fitted, Way, float, float]]] = {value: {} for value in fitted}
        for (value, way, k, probe), scores in zip(flat, self.scores("validation", [f[-1] for f in flat]), strict=True):
            own = truth[value]
            if not is_known(own):
                continue
            score = score_of(scores, own)
            if k not in best[value] or score > best[value][k][2]:
                best[value][k] = probe, way, score, np.nan if is_number(own) else area_of(scores, own)
        return best

    def scored(
        self,
        best: Mapping[int, Mapping[int, tuple[Fitted, Way, float, float]]],
        by_row: Int[np.ndarray, " rows"],
    ) -> Iterator[dict[int, ChosenSet]]:
        """The chosen sets of each value, with their scores on test."""
        probes = [found[0] for sets in best.values() for found in sets.values()]
        scores = self.scores("test", probes)
        for sets in best.values():
            chosen = {}
            for k, (probe, way, score, auroc) in sorted(sets.items()):
                of_rows = next(scores)[by_row]
                chosen[k] = ChosenSet(self.sample.live[probe.live], probe.weights, way, score, auroc, of_rows)
            yield chosen


def area_of(scores: Float[np.ndarray, " rows"], positive: Bool[np.ndarray, " rows"]) -> float:
    """AUROC; rows of the same score are tied."""
    levels, level = np.unique(scores, return_inverse=True)
    counts = [
        np.bincount(level[part], minlength=len(levels))[None].astype(np.float64) for part in (positive, ~positive)
    ]
    return float(area_of_bins(*counts)[0])
