"""Examples of a neuron: its strongest and its typical tokens, its values by label, and similar neurons."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int

from neurosieve.concepts.evidence.contexts import Contexts
from neurosieve.concepts.evidence.picking import densities_of, first_distinct
from neurosieve.concepts.neurons.passes import Spread, spread_of
from neurosieve.concepts.rows import ConceptStore
from neurosieve.errors import DataError
from neurosieve.progress import track
from neurosieve.results.concept_evidence import Alike, Densities, Evidence, Token
from neurosieve.typing import NeuronId

TOP, TYPICAL, SAME, ALIKE = 10, 5, 2, 5
_TOGETHER = 256  # neurons whose test values are held at once
_VALUES = 2**22  # train values turned to float64 at once
_CLASSES = "lexical"


class Asked(NamedTuple):
    """A neuron and what it is looked at for.

    Attributes:
        neuron: Its id.
        name: `property=value`.
        low: It is low where the value is.
    """

    neuron: NeuronId
    name: str
    low: bool


def find_evidence(store: ConceptStore, asked: Sequence[Asked]) -> tuple[Evidence, ...]:
    """What there is to see of each neuron and value.

    Args:
        store: Rows of a view.
        asked: In any order; a neuron may be asked for several values.

    Raises:
        ConfigError: A value that the table does not have.
        DataError: A property that was left out of it; a neuron that does not vary over train rows.

    Cost: two passes over train and one over test for each 256 neurons; memory is 4 bytes a test row and neuron of
    those, and 8 a neuron asked for and neuron of the store.
    """
    targets = {a.name: store.table.target(a.name) for a in asked}
    neurons = sorted({a.neuron for a in asked})
    if not neurons:
        return ()
    spread = spread_of(store)
    alike = _alike(store, neurons, spread)
    test, contexts = _TestRows(store), Contexts(store.rows)
    evidence: dict[Asked, Evidence] = {}
    for begin in track(range(0, len(neurons), _TOGETHER), "evidence"):
        some = neurons[begin : begin + _TOGETHER]
        values = store.columns("test", some).double().numpy()
        for neuron, of_neuron in zip(some, values.T, strict=True):
            column = store.grid.column(neuron)
            z = (of_neuron - float(spread.centre[column])) / float(spread.scale[column])
            for a in dict.fromkeys(a for a in asked if a.neuron == neuron):
                target = targets[a.name]
                look = _Look(test, contexts, z, target.property_name, target.value)
                evidence[a] = look.evidence(a, alike[neuron])
    return tuple(evidence[a] for a in asked)


def _alike(store: ConceptStore, neurons: Sequence[NeuronId], spread: Spread) -> dict[NeuronId, tuple[Alike, ...]]:
    """The most correlated neurons of some: sums over train of standardised values, streamed in float64."""
    mine = torch.tensor([store.grid.column(n) for n in neurons])
    size = len(store.neurons)
    cross, total, square = (
        torch.zeros(len(neurons), size).double(),
        torch.zeros(size).double(),
        torch.zeros(size).double(),
    )
    count = 0
    for values, _ in store.batches("train"):
        for part in torch.split(values, max(1, _VALUES // size)):
            z = (part.double() - spread.centre.double()) / spread.scale.double()
            cross += z[:, mine].T @ z
            total += z.sum(0)
            square += (z * z).sum(0)
        count += len(values)
    mean = total / count
    variance = (square / count - mean**2).clamp_min(0)
    dead = ~spread.alive
    if dead[mine].any():
        first = neurons[int(np.flatnonzero(dead[mine])[0])]
        expected, remedy = "values that vary over train rows", "ask for another"
        raise DataError(f"neuron {first}", expected=expected, got="the same in all rows", remedy=remedy)
    r = ((cross / count - mean[mine, None] * mean) / (variance[mine, None] * variance).sqrt()).numpy()
    r[:, dead] = 0
    return {
        n: _largest(correlations, column, store.neurons)
        for n, correlations, column in zip(neurons, r, mine.tolist(), strict=True)
    }


def _largest(r: Float[np.ndarray, " neurons"], this: int, ids: Int[np.ndarray, "neurons 2"]) -> tuple[Alike, ...]:
    order = [int(j) for j in np.argsort(-np.abs(r), kind="stable") if j != this and r[j] != 0][:ALIKE]
    neurons = [(NeuronId(int(ids[j, 0]), int(ids[j, 1])), float(np.clip(r[j], -1, 1))) for j in order]
    return tuple(Alike(neuron=neuron, r=value) for neuron, value in neurons)


class _TestRows:
    """Labels and texts of the test rows, in the order of the store."""

    def __init__(self, store: ConceptStore) -> None:
        self.numbers, self.texts = store.numbers("test"), store.texts("test")
        self.values, self.codes = store.table.values, {name: store.codes(name, "test") for name in store.table.values}


@dataclass(frozen=True)
class _Look:
    """One neuron and one value on the test rows."""

    rows: _TestRows
    contexts: Contexts
    z: Float[np.ndarray, " rows"]
    name: str
    value: str

    def evidence(self, asked: Asked, alike: tuple[Alike, ...]) -> Evidence:
        positive = self.rows.codes[self.name] == self.rows.values[self.name].index(self.value)
        strongest = np.argsort(self.z if asked.low else -self.z, kind="stable")
        return Evidence(
            neuron=asked.neuron,
            name=asked.name,
            low=asked.low,
            top=self._tokens(strongest, TOP),
            typical=self._near_median(positive),
            other=self._near_median(~positive),
            densities=self._densities(positive),
            alike=alike,
        )

    def _near_median(self, rows: np.ndarray) -> tuple[Token, ...]:
        here = np.flatnonzero(rows)
        if not len(here):
            return ()
        # Rounded, since the median of an even number is as far from one row as from another.
        distance = np.abs(self.z[here] - np.median(self.z[here])).round(9)
        return self._tokens(here[np.argsort(distance, kind="stable")], TYPICAL)

    def _tokens(self, order: Int[np.ndarray, " some"], count: int) -> tuple[Token, ...]:
        """The first ones, of each text at most two."""
        return tuple(map(self._token, first_distinct(order, count, (self.rows.texts.__getitem__, SAME))))

    def _token(self, i: int) -> Token:
        code = int(self.rows.codes[self.name][i])
        label = self.rows.values[self.name][code] if code >= 0 else None
        context = self.contexts.of(int(self.rows.numbers[i]))
        return Token(value=float(self.z[i]), label=label, token=context.token, context=context)

    def _densities(self, positive: np.ndarray) -> Densities:
        parts = {f"{_CLASSES}={word}": self.rows.codes[_CLASSES] == v
                 for v, word in enumerate(self.rows.values.get(_CLASSES, ()))}  # fmt: skip
        return densities_of(self.z, positive, parts)
