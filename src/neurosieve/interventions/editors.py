"""The edits of a concept: which neurons or which layer, made from train rows, and random edits of the same kind beside.

Neurons are edited (`ablate`, `clamp`) in the order of their average precision for the value on train, in the view
`predict`: the set that predicts it. A layer is edited (`steer`, `erase`) along directions. How many neurons, and which
layer, is left to validation: an editor only names the candidates.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from neurosieve.concepts.rows import ConceptStore
from neurosieve.concepts.scoring import Values, split_scores, spread_of
from neurosieve.errors import ConfigError, DataError
from neurosieve.interventions.edits import Edit, Erase, Steer
from neurosieve.interventions.leace import EraserFitter
from neurosieve.interventions.matched import matched_sets
from neurosieve.interventions.train_rows import Ablation, TrainRows, by_layer

SHARES = (0.01, 0.02, 0.05)
TRAIN_ROWS = 5000
EditKind = Literal["ablate", "clamp", "steer", "erase"]


@dataclass(frozen=True)
class Change:
    """What is done.

    Attributes:
        kind: `ablate` or `clamp` neurons, `steer` a layer towards the value, or `erase` the value from it.
        how: Of ablation: to zero, to the train mean, or to values of train rows drawn anew.
        quantile: Of train at which neurons are clamped; where the neuron is low for the value, that from the top.
        alpha: How many times the way from other rows to those with the value a layer is moved.
        layer: The layer to steer or erase; validation chooses by default.
        share: Most neurons that are edited, as a share of all.
    """

    kind: EditKind
    how: Ablation = "mean"
    quantile: float = 0.01
    alpha: float = 2.0
    layer: int | None = None
    share: float = max(SHARES)


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


@dataclass(frozen=True)
class TrainConcept:
    """The train rows of the view `predict` and what they say of one value.

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
    def places(self) -> Int[np.ndarray, " rows"]:
        """At most `TRAIN_ROWS` train rows, drawn by seed: all that have the value go first."""
        rng = np.random.default_rng(self.seed)
        has = self.store.codes(self.name, "train") == self.value
        own, others = (rng.permutation(np.flatnonzero(side)) for side in (has, ~has))
        own = own[: TRAIN_ROWS // 2]
        return np.sort(np.concatenate([own, others[: TRAIN_ROWS - len(own)]]))

    @cached_property
    def values(self) -> Float[Tensor, "rows neurons"]:
        """Those rows."""
        return self.store.take("train", self.places)

    @cached_property
    def positive(self) -> np.ndarray:
        """Which of them have the value."""
        has: np.ndarray = self.store.codes(self.name, "train")[self.places] == self.value
        return has

    def layer(self, number: int) -> Float[Tensor, "rows width"]:
        """Their values in a layer."""
        width = self.store.store.manifest.width
        return self.values[:, number * width : (number + 1) * width]


class NeuronEditor:
    """Edits of the neurons that predict a value best."""

    def __init__(self, train: TrainConcept, change: Change) -> None:
        self._train, self._change = train, change
        store = train.store
        self._spread = spread_of(store)
        value = store.table.values[train.name][train.value]
        asked = Values({train.name: (train.value,)}, ((train.name, value),), {})
        scores = split_scores(store, "train", asked, self._spread)
        order = np.argsort(-np.nan_to_num(scores.ap[:, 0], nan=-1.0), kind="stable")
        self._order, self._low = order, scores.low[:, 0]
        shares = [share for share in SHARES if share < change.share] + [change.share]
        self._sizes = sorted({max(1, int(share * len(order))) for share in shares})

    @property
    def candidates(self) -> Sequence[Int[np.ndarray, "neurons 2"]]:
        """See `Editor`."""
        return [self._train.store.neurons[self._order[:size]] for size in self._sizes]

    def edits(self, candidate: int) -> list[Edit]:
        """See `Editor`."""
        return self._edit(self.candidates[candidate], self._low[self._order[: self._sizes[candidate]]])

    def random(self, candidate: int, draws: int) -> Iterator[list[Edit]]:
        """Sets matched in layers and variance, edited alike."""
        chosen = self.candidates[candidate]
        variance = (self._spread.scale.numpy() ** 2).astype(np.float64)
        matched = matched_sets(chosen, self._train.store.neurons, variance, draws=draws, seed=self._train.seed)
        low = self._low[self._order[: self._sizes[candidate]]]
        for own in matched.sets:
            yield self._edit(own, low)

    @cached_property
    def _rows(self) -> TrainRows:
        layers = range(self._train.store.store.manifest.layers)
        return TrainRows({layer: self._train.layer(layer) for layer in layers})

    def _edit(self, neurons: Int[np.ndarray, "neurons 2"], low: np.ndarray) -> list[Edit]:
        if self._change.kind == "ablate":
            return [*self._rows.ablate(by_layer(neurons), self._change.how, self._train.seed)]
        edits: list[Edit] = []
        for side in (False, True):
            if (low == side).any():
                quantile = 1 - self._change.quantile if side else self._change.quantile
                edits += self._rows.clamp(by_layer(neurons[low == side]), quantile)
        return edits


class LayerEditor:
    """Edits of a whole layer along the directions of a value."""

    def __init__(self, train: TrainConcept, change: Change) -> None:
        self._train, self._change = train, change
        layers = train.store.store.manifest.layers
        if change.layer is not None and not 0 <= change.layer < layers:
            raise ConfigError(
                "layer to edit", expected=f"0 to {layers - 1}", got=str(change.layer), remedy="choose another --layer"
            )
        if not train.positive.any() or train.positive.all():
            raise DataError("train rows", expected="some with the value, not all", got="one side", remedy="read more")
        self._layers = [change.layer] if change.layer is not None else list(range(layers))

    @property
    def candidates(self) -> Sequence[Int[np.ndarray, "neurons 2"]]:
        """See `Editor`."""
        width = self._train.store.store.manifest.width
        return [np.stack([np.full(width, layer), np.arange(width)], 1) for layer in self._layers]

    def edits(self, candidate: int) -> list[Edit]:
        """See `Editor`."""
        layer = self._layers[candidate]
        if self._change.kind == "erase":
            return [Erase(layer, self._fitter(layer).result())]
        return [TrainRows({layer: self._train.layer(layer)}).steer(layer, self._train.positive, self._change.alpha)]

    def random(self, candidate: int, draws: int) -> Iterator[list[Edit]]:
        """Erasers of as many random directions; or steps as long as the step, in neurons' own spreads."""
        layer = self._layers[candidate]
        if self._change.kind == "erase":
            fitter = self._fitter(layer)
            rank = fitter.result().rank
            for draw in range(draws):
                yield [Erase(layer, fitter.control(rank, self._train.seed + draw))]
            return
        (step,) = (edit for edit in self.edits(candidate) if isinstance(edit, Steer))
        spread = self._train.layer(layer).std(0)
        generator = torch.Generator().manual_seed(self._train.seed)
        for _ in range(draws):
            drawn = torch.randn(len(spread), generator=generator) * spread
            yield [Steer(layer, drawn * (step.direction.norm() / drawn.norm()), step.alpha)]

    def _fitter(self, layer: int) -> EraserFitter:
        values = self._train.layer(layer)
        fitter = EraserFitter(values.shape[1], 2)
        fitter.update(values, self._train.positive.astype(np.int64))
        return fitter


def editor(train: TrainConcept, change: Change) -> Editor:
    """The editor of a kind of change."""
    return LayerEditor(train, change) if change.kind in ("steer", "erase") else NeuronEditor(train, change)
