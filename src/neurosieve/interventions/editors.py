"""The edits of a concept: which neurons or which layer, made from train rows, and random edits of the same kind.

Neurons are edited (`ablate`, `clamp`) in the order of their average precision for the value on train, in the view
`predict`: the set that predicts it. At most half of a layer's live neurons are, so that there are as many others to
draw random sets from, and only such as have neighbours of like variance among these. A layer is edited (`steer`,
`erase`) along directions. How many neurons, and which layer, is left to validation: an editor only names the
candidates.
"""

from collections.abc import Iterator, Sequence
from copy import copy
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from neurosieve.concepts.neurons.passes import Spread, Values, split_scores, spread_of
from neurosieve.concepts.neurons.range_claims import found_range, train_bins
from neurosieve.concepts.neurons.ranges import edges
from neurosieve.concepts.rows import ConceptStore
from neurosieve.errors import ConfigError, DataError
from neurosieve.interventions.edits import Ablate, Edit, Erase, Steer, Within
from neurosieve.interventions.leace import Eraser, EraserFitter
from neurosieve.interventions.matched import CALIPER, MatchedSets, matched_sets
from neurosieve.interventions.train_rows import TrainRows, by_layer
from neurosieve.results.interventions import Ablation, EditKind, Matching
from neurosieve.results.neuron_set import NeuronSet
from neurosieve.results.value_ranges import ActivationRange
from neurosieve.typing import Grid, NeuronId

Ends = tuple[Float[np.ndarray, " neurons"], Float[np.ndarray, " neurons"]]  # where ranges begin and end
SHARES = (0.01, 0.02, 0.05)
TRAIN_ROWS = 5000


@dataclass(frozen=True)
class Change:
    """What is done.

    Attributes:
        kind: `ablate` or `clamp` neurons, `steer` a layer towards the value, or `erase` the value from it.
        how: Of ablation: to zero, to the train mean, or to values of train rows drawn at random.
        quantile: Of train at which neurons are clamped; where the neuron is low for the value, that from the top.
        alpha: How many times the way from other rows to those with the value a layer is moved.
        layer: The layer to steer or erase; validation chooses by default.
        share: Most neurons that are edited, as a share of all.
        within: Ablate each neuron only inside the range of its activation that tells the value best on train.
        members: The neurons that are edited, in place of those of highest average precision.
    """

    kind: EditKind
    how: Ablation = "mean"
    quantile: float = 0.01
    alpha: float = 2.0
    layer: int | None = None
    share: float = max(SHARES)
    within: bool = False
    members: NeuronSet | None = None


@runtime_checkable
class Editor(Protocol):
    """Candidates for one concept, and edits from them."""

    @property
    def candidates(self) -> Sequence[Int[np.ndarray, "neurons 2"]]:
        """The neurons that each candidate edits."""
        ...

    def edits(self, candidate: int) -> list[Edit]:
        """The edit itself."""
        ...

    def random(self, candidate: int, draws: int) -> Iterator[list[Edit]]:
        """Edits of the same kind and size that know nothing of the concept."""
        ...

    def matching(self, candidate: int, draws: int) -> Matching:
        """How similar the random edits are to the edit, and what was left out."""
        ...


@dataclass(frozen=True)
class TrainConcept:
    """The train rows of the view `predict`, and which of them have one value.

    Attributes:
        store: Of the view `predict`.
        name: Of the property.
        value: Number of the value.
        seed: Of draws.
    """

    store: ConceptStore
    name: str
    value: int
    seed: int = 0

    @cached_property
    def positive(self) -> Bool[np.ndarray, " rows"]:
        """Which train rows have the value, in the order of the store."""
        has: np.ndarray = self.store.codes(self.name, "train") == self.value
        return has

    @cached_property
    def spread(self) -> Spread:
        """Of each neuron on train."""
        return spread_of(self.store)

    @property
    def grid(self) -> Grid:
        """Layers of the site and neurons of a layer."""
        return self.store.grid

    def rows(self) -> TrainRows:
        """At most `TRAIN_ROWS` rows of all layers, drawn by seed whatever they say."""
        count = len(self.positive)
        drawn = np.sort(np.random.default_rng(self.seed).permutation(count)[:TRAIN_ROWS])
        values = self.store.take("train", drawn)
        return TrainRows({layer: values[:, self.grid.layer(layer)] for layer in range(self.grid.layers)})


class NeuronEditor:
    """Edits of the neurons that predict a value best."""

    def __init__(self, train: TrainConcept, change: Change) -> None:
        self._train, self._change = train, change
        value = train.store.table.values[train.name][train.value]
        asked = Values({train.name: (train.value,)}, ((train.name, value),), {})
        scores = split_scores(train.store, "train", asked, train.spread, ranges=change.within)
        self._low = scores.low[:, 0]
        if change.members is None:
            self._order = self._ordered((scores.range_ap if change.within else scores.ap)[:, 0])
            shares = [share for share in SHARES if share < change.share] + [change.share]
            count = len(train.store.neurons)
            sizes = sorted({min(max(1, int(share * count)), len(self._order)) for share in shares})
        else:
            self._order = train.grid.columns(np.array(change.members))
            sizes = [len(self._order)]
        self._found: dict[tuple[int, int], MatchedSets] = {}
        self._sizes = self._matchable(sizes)

    def _ordered(self, ap: Float[np.ndarray, " neurons"]) -> Int[np.ndarray, " some"]:
        """Places of live neurons, the best first; of each layer no more than half."""
        alive, layer = self._train.spread.alive, self._train.store.neurons[:, 0]
        best = np.argsort(-ap, kind="stable")
        best = best[alive[best]]
        own = [best[layer[best] == number] for number in np.unique(layer)]
        kept = np.concatenate([some[: len(some) // 2] for some in own])
        ordered: Int[np.ndarray, " some"] = best[np.isin(best, kept)]
        return ordered

    def _matchable(self, sizes: Sequence[int]) -> list[int]:
        """The sizes whose sets have neurons that can be matched, those that come to the same set once."""
        numbers: dict[bytes, int] = {}
        for size in sizes:
            try:
                numbers.setdefault(self._sets(size, 1).chosen.tobytes(), size)
            except DataError:
                if size == sizes[-1] and not numbers:
                    raise
        return list(numbers.values())

    def _sets(self, size: int, draws: int) -> MatchedSets:
        """The first neurons that can be matched, and sets matched to them in layers and variance."""
        if (size, draws) not in self._found:
            every, variance = self._train.store.neurons, self._train.spread.variance
            chosen = every[self._order[:size]]
            self._found[size, draws] = matched_sets(chosen, every, variance, draws=draws, seed=self._train.seed)
        return self._found[size, draws]

    @property
    def candidates(self) -> Sequence[Int[np.ndarray, "neurons 2"]]:
        """See `Editor`."""
        return [self._sets(size, 1).chosen for size in self._sizes]

    def edits(self, candidate: int) -> list[Edit]:
        """See `Editor`."""
        chosen = self.candidates[candidate]
        return self._edit(chosen, self._lows(chosen), self._ends(chosen) if self._change.within else None)

    def random(self, candidate: int, draws: int) -> Iterator[list[Edit]]:
        """Sets matched in layers and variance, edited in the same way."""
        matched = self._sets(self._sizes[candidate], draws)
        lows, shares = self._lows(matched.chosen), self._shares(matched.chosen) if self._change.within else None
        for own in matched.sets:
            yield self._edit(own, lows, None if shares is None else self._quantiles(own, shares))

    def matching(self, candidate: int, draws: int) -> Matching:
        """See `Editor`."""
        return self._sets(self._sizes[candidate], draws).matching()

    def whole(self) -> "NeuronEditor":
        """The same neurons and random sets, edited whatever their activation is."""
        other = copy(self)
        other._change = replace(self._change, within=False)
        return other

    def ranges(self, candidate: int) -> tuple[ActivationRange, ...]:
        """The range of each neuron in which it is edited; none where it is edited anywhere."""
        if not self._change.within:
            return ()
        chosen = self.candidates[candidate]
        return tuple(
            ActivationRange(
                neuron=NeuronId(int(layer), int(index)),
                low=float(low) if np.isfinite(low) else None,
                high=float(high) if np.isfinite(high) else None,
            )
            for (layer, index), low, high in zip(chosen, *self._ends(chosen), strict=True)
        )

    @cached_property
    def _ranges(self) -> dict[int, tuple[float, float]]:
        """Ends of the ranges of all neurons of candidates, by their column."""
        train, found = self._train, dict[int, tuple[float, float]]()
        columns = np.unique(train.grid.columns(np.concatenate([*self.candidates])))
        for column, bins in zip(columns.tolist(), train_bins(train.store, columns, train.spread), strict=True):
            first, last, _ = found_range(bins, train.positive)
            low, high = edges(first, last, float(train.spread.centre[column]), float(train.spread.scale[column]))
            found[column] = (-np.inf if low is None else low, np.inf if high is None else high)
        return found

    def _ends(self, neurons: Int[np.ndarray, "neurons 2"]) -> Ends:
        """Where the range of each begins and ends."""
        low, high = np.array([self._ranges[c] for c in self._train.grid.columns(neurons).tolist()]).T
        return low, high

    def _shares(self, neurons: Int[np.ndarray, "neurons 2"]) -> Ends:
        """Shares of train rows below the range of each, and up to its end."""
        values, (low, high) = self._values(neurons), self._ends(neurons)
        return (values < low).mean(0), (values <= high).mean(0)

    def _quantiles(self, neurons: Int[np.ndarray, "neurons 2"], shares: Ends) -> Ends:
        """Ranges of other neurons that hold the same shares of their own train rows, open where they hold all."""
        values = np.sort(self._values(neurons), 0)
        last, column = len(values) - 1, np.arange(values.shape[1])
        first, end = (np.round(share * last).astype(np.int64) for share in shares)
        low, high = values[first, column], values[np.maximum(first, end), column]
        return np.where(shares[0] > 0, low, -np.inf), np.where(shares[1] < 1, high, np.inf)

    def _values(self, neurons: Int[np.ndarray, "neurons 2"]) -> Float[np.ndarray, "rows neurons"]:
        """Drawn train rows of some neurons, in their order."""
        return np.concatenate([self._rows.columns(int(n), (int(i),)).numpy() for n, i in neurons], 1)

    def _lows(self, neurons: Int[np.ndarray, "neurons 2"]) -> Bool[np.ndarray, " neurons"]:
        """Whether each is low where the value is."""
        low: np.ndarray = self._low[self._train.grid.columns(neurons)]
        return low

    @cached_property
    def _rows(self) -> TrainRows:
        return self._train.rows()

    def _edit(self, neurons: Int[np.ndarray, "neurons 2"], low: np.ndarray, ranges: Ends | None = None) -> list[Edit]:
        if self._change.kind == "ablate":
            made = self._rows.ablate(by_layer(neurons), self._change.how, self._train.seed)
            return [*made] if ranges is None else [_inside(edit, neurons, ranges) for edit in made]
        edits: list[Edit] = []
        for side in (False, True):
            if (low == side).any():
                quantile = 1 - self._change.quantile if side else self._change.quantile
                edits += self._rows.clamp(by_layer(neurons[low == side]), quantile)
        return edits


def _inside(edit: Ablate, neurons: Int[np.ndarray, "neurons 2"], ends: Ends) -> Within:
    """An edit of a layer's neurons within their ranges."""
    place = {(int(layer), int(index)): i for i, (layer, index) in enumerate(neurons)}
    own = [place[edit.layer, index] for index in edit.indices]
    low, high = (torch.from_numpy(end[own]).float() for end in ends)
    return Within(edit, low, high)


class LayerEditor:
    """Edits of a whole layer along the directions of a value, found on all train rows.

    Layers without a live neuron are no candidates: an encoder's embeddings of masked tokens can all be the same.
    """

    def __init__(self, train: TrainConcept, change: Change) -> None:
        self._train, self._change = train, change
        layers = list(range(train.grid.layers))
        if change.layer is not None and change.layer not in layers:
            raise ConfigError(
                "layer to edit",
                expected=f"0 to {layers[-1]}",
                got=str(change.layer),
                remedy="choose another --layer",
            )
        live = [layer for layer in layers if train.spread.alive[train.grid.layer(layer)].any()]
        self._layers = live if change.layer is None else [change.layer]
        if not set(self._layers) & set(live):
            raise DataError(
                f"layer {self._layers[0]}" if self._layers else "layers to edit",
                expected="neurons that vary over the train tokens, read where they are predicted",
                got="none",
                remedy="choose another --layer" if live else "read more",
            )
        self._made: dict[int, Edit] = {}
        self._others: dict[tuple[int, int], list[Eraser]] = {}

    @property
    def candidates(self) -> Sequence[Int[np.ndarray, "neurons 2"]]:
        """See `Editor`."""
        return [self._train.store.neurons[self._train.grid.layer(layer)] for layer in self._layers]

    def edits(self, candidate: int) -> list[Edit]:
        """See `Editor`."""
        layer = self._layers[candidate]
        if layer not in self._made:
            self._made[layer] = Erase(layer, self._fitter(layer).result()) if self._erases else self._steer(layer)
        return [self._made[layer]]

    def random(self, candidate: int, draws: int) -> Iterator[list[Edit]]:
        """Erasers of random directions that take away as much; or steps as long, in neurons' own spreads."""
        layer, (edit,) = self._layers[candidate], self.edits(candidate)
        if isinstance(edit, Erase):
            for eraser in self._controls(edit, draws):
                yield [Erase(layer, eraser)]
        if isinstance(edit, Steer):
            own, spread = self._train.grid.layer(layer), self._train.spread
            scale = torch.where(torch.from_numpy(spread.alive[own]), spread.scale[own], 0.0)
            generator = torch.Generator().manual_seed(self._train.seed)
            for _ in range(draws):
                drawn = torch.randn(len(scale), generator=generator) * scale
                yield [Steer(layer, drawn * (edit.direction.norm() / drawn.norm()), edit.alpha)]

    def matching(self, candidate: int, draws: int) -> Matching:
        """See `Editor`; random steps are just as long."""
        (edit,) = self.edits(candidate)
        ratio = np.ones(draws)
        if isinstance(edit, Erase):
            moved = np.array([eraser.moved for eraser in self._controls(edit, draws)]) / edit.eraser.moved
            ratio = np.maximum(moved, 1 / moved)
        return Matching(
            by="variance taken away" if self._erases else "length",
            caliper=CALIPER,
            worst=float(ratio.max()),
            median=float(np.median(ratio)),
            sets=draws,
            distinct_sets=draws,
            unmatched=(),
        )

    def _controls(self, edit: Erase, draws: int) -> list[Eraser]:
        key = edit.layer, draws
        if key not in self._others:
            made = self._fitter(edit.layer).controls(edit.eraser.rank, draws, self._train.seed, like=edit.eraser)
            self._others[key] = list(made)
        return self._others[key]

    @property
    def _erases(self) -> bool:
        return self._change.kind == "erase"

    def _parts(self, layer: int) -> Iterator[tuple[Float[Tensor, "rows width"], Int[np.ndarray, " rows"]]]:
        """All train rows of a layer, with 1 where they have the value."""
        begin = 0
        for values, numbers in self._train.store.batches("train", [layer]):
            yield values, self._train.positive[begin : begin + len(numbers)].astype(np.int64)
            begin += len(numbers)

    def _fitter(self, layer: int) -> EraserFitter:
        fitter = EraserFitter(self._train.grid.width, 2)
        for values, has in self._parts(layer):
            fitter.update(values, has)
        return fitter

    def _steer(self, layer: int) -> Steer:
        """From the mean of the other rows to that of the rows with the value."""
        total = torch.zeros(2, self._train.grid.width, dtype=torch.float64)
        for values, has in self._parts(layer):
            total.index_add_(0, torch.from_numpy(has), values.double())
        others, own = total / torch.from_numpy(np.bincount(self._train.positive, minlength=2))[:, None]
        return Steer(layer, (own - others).float(), self._change.alpha)


def editor(train: TrainConcept, change: Change) -> Editor:
    """The editor of a kind of change.

    Raises:
        ConfigError: No such layer.
        DataError: Train rows that all have the value, or none; a layer in which nothing varies.
    """
    if not train.positive.any() or train.positive.all():
        raise DataError(
            f"train tokens with {train.name}={train.store.table.values[train.name][train.value]}",
            expected="some, and some others",
            got="all" if train.positive.any() else "none",
            remedy="look for concepts in more tokens, or choose another",
        )
    return LayerEditor(train, change) if change.kind in ("steer", "erase") else NeuronEditor(train, change)
