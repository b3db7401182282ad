"""What two networks have in common on the same units: likeness of layers, matched neurons, drift."""

from itertools import pairwise

import numpy as np
from jaxtyping import Float, Int
from torch import Tensor

from neurosieve.comparison.matches_by_chance import MatchChance, match_chance
from neurosieve.comparison.shares import draw_interval, share_interval
from neurosieve.results.comparison_parts import (
    Cell,
    Chance,
    Drift,
    LayerDrift,
    LayerLikeness,
    LayerMatches,
    Likeness,
    Match,
    Matching,
    NeuronDrift,
    Relation,
    cell,
)
from neurosieve.results.measured import NotMeasured, Reason
from neurosieve.statistics.cross_layers import Kernels, around, cross_cka, exchanged, folds, kernels
from neurosieve.statistics.matched_neurons import correlated
from neurosieve.studies.compare.compared_run import ComparedRun, SplitRows
from neurosieve.studies.compare.relations import Pair, SameUnits, features
from neurosieve.typing import NeuronId

KERNEL_UNITS = 1000
_MOST_DRIFTED = 20
_STRANGERS = 10


def likeness_part(pair: Pair) -> Likeness | NotMeasured:
    """CKA of each two layers on train units that both hold."""
    if pair.relation is Relation.SAME:
        return NotMeasured.because(Reason.ONE_MODEL)
    if isinstance(pair.train, NotMeasured):
        return pair.train
    units = pair.train.first(KERNEL_UNITS)
    repeats = _texts_repeat(units)
    orders = exchanged(units.text, pair.a.options.draws, pair.a.options.seed, within=repeats)
    a, b = _kernels(pair.a, pair.a.train, units.a), _kernels(pair.b, pair.b.train, units.b)
    found = cross_cka(a, b, units.group, orders)
    layers = []
    for i, own in enumerate(_layers(pair.a)):
        j = int(found.value[i].argmax())
        drawn, value = found.chance[:, i, j], float(found.value[i, j])
        ends = None if found.low is None or found.high is None else (float(found.low[i, j]), float(found.high[i, j]))
        chance = draw_interval(drawn.tolist())
        by = Chance.TEXTS if repeats else Chance.UNITS
        layers.append(
            LayerLikeness(layer=own, nearest=_layers(pair.b)[j], cka=cell(value, ends, float(drawn.mean()), chance, by))
        )
    rows = tuple(tuple(float(v) for v in row) for row in found.value)
    return Likeness(units=len(units), cka=rows, layers=tuple(layers))


def _texts_repeat(units: SameUnits) -> bool:
    """Half of the units or more have the text of another one, so that exchanging those says something."""
    _, place, count = np.unique([repr(text) for text in units.text], return_inverse=True, return_counts=True)
    return bool((count[place] > 1).mean() >= 0.5)


def _layers(run: ComparedRun) -> list[int]:
    """Layers with a live neuron."""
    found: list[int] = np.unique(run.neurons[:, 0]).tolist()
    return found


def _blocks(run: ComparedRun, copies: int) -> list[slice]:
    """Columns of each layer's live neurons."""
    starts = np.searchsorted(run.neurons[:, 0], _layers(run))
    return [slice(int(a) * copies, int(b) * copies) for a, b in pairwise([*starts, len(run.neurons)])]


def _kernels(run: ComparedRun, rows: SplitRows, places: Int[np.ndarray, " units"]) -> Kernels:
    """On raw values: the standardised ones with their scale."""
    raw = (features(rows, places) * run.selection.scaler.scale[:, None]).T
    return kernels([raw[:, block] for block in _blocks(run, run.copies)])


def neuron_columns(
    run: ComparedRun, rows: SplitRows, places: Int[np.ndarray, " units"]
) -> Float[Tensor, "rows neurons"]:
    """One column a live neuron; of pairs its two features below each other."""
    x = features(rows, places).view(len(run.neurons), run.copies, -1)
    return x.permute(1, 2, 0).flatten(0, 1)


def match_neurons(pair: Pair) -> MatchChance | NotMeasured:
    """The best match of each of the first run's neurons among the second's, with what chance gives."""
    if pair.relation is not Relation.OTHER:
        return NotMeasured.because(Reason.ONE_MODEL if pair.relation is Relation.SAME else Reason.ONE_ORIGIN)
    train, test = pair.train, pair.test
    if isinstance(train, NotMeasured):
        return train
    if isinstance(test, NotMeasured):
        return test
    repeats = _texts_repeat(test) and _texts_repeat(train)
    return match_chance(
        neuron_columns(pair.a, pair.a.train, train.a),
        neuron_columns(pair.b, pair.b.train, train.b),
        neuron_columns(pair.a, pair.a.test, test.a),
        neuron_columns(pair.b, pair.b.test, test.b),
        pair.a.neurons[:, 0],
        _blocks(pair.b, 1),
        [exchanged(units.text, 2, pair.a.options.seed, within=repeats) for units in (train, test)],
        pair.a.copies,
        np.tile(test.group, pair.a.copies),
        pair.a.options.seed,
    )


def matching_part(pair: Pair, found: MatchChance | NotMeasured) -> Matching | NotMeasured:
    """The matches in figures, layer by layer."""
    if isinstance(found, NotMeasured):
        return found
    a, b = pair.a, pair.b
    layer_a, layer_b = a.neurons[:, 0], b.neurons[found.matches.column, 0]
    layers = []
    for layer in _layers(a):
        own = layer_a == layer
        nearest = int(np.bincount(layer_b[own]).argmax())
        layers.append(LayerMatches(layer=layer, nearest=nearest, r=found.mean(own, found.rotated, Chance.ROTATED)))
    assert not isinstance(pair.train, NotMeasured) and not isinstance(pair.test, NotMeasured)  # noqa: S101, PT018
    everyone = np.ones(len(a.neurons), dtype=bool)
    by = Chance.TEXTS if _texts_repeat(pair.train) and _texts_repeat(pair.test) else Chance.UNITS
    hits, chance = int(found.close.sum()), found.close_by_chance
    close = cell(
        hits / len(everyone),
        share_interval(hits, len(everyone)),
        float(np.mean(chance)),
        draw_interval(chance),
        Chance.ROTATED,
    )
    return Matching(
        units=len(pair.train),
        held_out=len(pair.test),
        layers=tuple(layers),
        matched=close,
        by_text=found.mean(everyone, found.exchanged, by),
        of_set=_of_set(pair, found),
    )


def _of_set(pair: Pair, found: MatchChance) -> tuple[Match, ...]:
    chosen = pair.a.chosen
    if isinstance(chosen, NotMeasured):
        return ()
    places = [(n, pair.a.number[n]) for n in chosen if n in pair.a.number]
    return tuple(
        Match(a=n, b=NeuronId(*pair.b.neurons[found.matches.column[i]].tolist()), r=float(found.r[i]))
        for n, i in places
    )


def drift_part(pair: Pair) -> Drift | NotMeasured:
    """How far each neuron of a fine-tuned model went from itself in the base, on test units that both hold."""
    if pair.relation is not Relation.TUNED:
        return NotMeasured.because(Reason.NOT_TUNED)
    if isinstance(pair.test, NotMeasured):
        return pair.test
    both = sorted(pair.a.number.keys() & pair.b.number.keys())
    x, y = (
        neuron_columns(run, run.test, place)[:, [run.number[n] for n in both]]
        for run, place in ((pair.a, pair.test.a), (pair.b, pair.test.b))
    )
    r, layer = correlated(x, y), np.array([n[0] for n in both])
    fold = folds(np.tile(pair.test.group, pair.a.copies))
    left = [correlated(x, y, np.flatnonzero(fold != k)) for k in range(int(fold.max()) + 1)]
    likeness = cross_cka(
        _kernels(pair.a, pair.a.test, pair.test.a[:KERNEL_UNITS]),
        _kernels(pair.b, pair.b.test, pair.test.b[:KERNEL_UNITS]),
        pair.test.group[:KERNEL_UNITS],
    )
    layers = [
        LayerDrift(
            layer=k,
            cka=float(likeness.value[i, _layers(pair.b).index(k)]),
            drift=_layer_drift(x, y, r, left, np.flatnonzero(layer == k), pair.a.options.seed),
        )
        for i, k in enumerate(_layers(pair.a))
        if k in _layers(pair.b)
    ]
    farthest = np.argsort(r, kind="stable")[:_MOST_DRIFTED]
    most = tuple(NeuronDrift(neuron=NeuronId(*both[i]), drift=float(1 - r[i])) for i in farthest)
    return Drift(units=len(pair.test), layers=tuple(layers), most=most)


def _layer_drift(
    x: Tensor, y: Tensor, r: np.ndarray, left: list[np.ndarray], own: Int[np.ndarray, " some"], seed: int
) -> Cell:
    value = float(1 - r[own].mean())
    interval = None
    if len(left) > 1:
        low, high = around(np.array(value), np.array([1 - one[own].mean() for one in left]))
        interval = (float(low), float(high))
    rng, strangers = np.random.default_rng(seed), []
    for _ in range(_STRANGERS):
        others = np.roll(own, int(rng.integers(1, max(len(own), 2))))
        strangers.append(float(1 - correlated(x[:, own], y[:, others]).mean()))
    return cell(value, interval, float(np.mean(strangers)), draw_interval(strangers), Chance.STRANGERS)
