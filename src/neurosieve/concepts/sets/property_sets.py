"""The smallest neuron set that separates a property's values, and the neurons that carry each value.

The search is that of task redundancy, with a property's values as classes: found on train and validation, opened once
on test with random orders. A value's neurons are those that take half of its weight in the probe on all neurons. The
smallest set would not do: it keeps one of several neurons that do the same, and two values of a property would share
neurons because both choose among few.
"""

from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Int

from neurosieve.activations.store import Activations
from neurosieve.concepts.rows import ConceptStore
from neurosieve.concepts.sets.set_search import SetOptions, carriers, search_set
from neurosieve.probes.baselines import lookup_predictions, majority_score
from neurosieve.probes.features import SelectionData, selection_data
from neurosieve.probes.intervals import ClusterBootstrap
from neurosieve.probes.metrics import lost, scored
from neurosieve.probes.probe import Oracle, Probe, fit_oracle
from neurosieve.redundancy import MinimalSet
from neurosieve.results.measured import Score, Spread
from neurosieve.results.neuron_groups import OracleScore, PropertyGroup, RandomScores, SearchedSizes, SmallestGroup
from neurosieve.results.neuron_set import NeuronSet
from neurosieve.typing import SPLITS, Scores, Split

LEAST: dict[Split, int] = {"train": 30, "validation": 10, "test": 10}


@dataclass(frozen=True)
class PropertySet:
    """A property's smallest set and its values' neurons.

    Attributes:
        group: The part of the run's result.
        live: (layer, index) of the neurons that vary over train rows: what sets are taken from, shape [neurons, 2].
    """

    group: PropertyGroup
    live: Int[np.ndarray, "neurons 2"]


def values_for_sets(store: ConceptStore, name: str, most: int) -> tuple[tuple[int, ...], dict[str, str]]:
    """Numbers of a property's values with enough rows in each split, and why the others are left out, by value."""
    words, left_out = store.table.values[name], dict[str, str]()
    counts: dict[Split, np.ndarray] = {}
    for split in SPLITS:
        codes = store.codes(name, split)
        counts[split] = np.bincount(codes[codes >= 0], minlength=len(words))
    enough = []
    for v, word in enumerate(words):
        short = next((s for s in SPLITS if counts[s][v] < LEAST[s]), None)
        if short:
            left_out[word] = f"{counts[short][v]} rows in {short}, fewer than {LEAST[short]}"
        else:
            enough.append(v)
    order = sorted(enough, key=lambda v: -counts["train"][v])
    left_out |= {words[v]: f"rarer in train than {most} other values" for v in order[most:]}
    return tuple(sorted(order[:most])), left_out


def find_property_set(
    store: ConceptStore,
    name: str,
    values: tuple[int, ...],
    options: SetOptions | None = None,
    device: str | torch.device = "cpu",
) -> PropertySet:
    """Search a property's smallest set on train and validation, and open it on test.

    Args:
        store: Rows of a view.
        name: Of the property.
        values: Numbers of the values that are classes, two or more; see `values_for_sets`.
        options: Of the search.
        device: Where probes are fitted.

    Cost: of 1,280 neurons 1 to 10 s on one core for most properties of code, most of it for the searched random orders.
    One of many values that the model hardly knows (a token's depth) needs thousands of weights, and up to a minute.
    """
    options = options or SetOptions()
    train, validation, test = (
        _only(store.sample(split, name, options.rows[split], options.seed), values) for split in SPLITS
    )
    data = selection_data(train, validation, device)
    oracle = fit_oracle(data, options.lambdas)
    opened = _Opened(data, test, ClusterBootstrap(test.group, draws=options.bootstrap, seed=options.seed))
    score, majority = opened.tested(oracle.probe), majority_score(train.label, test.label, len(train.labels))
    # Test decides whether there is a set, not which.
    reason = _nothing(score, majority, data, options)
    minimal = None if reason else search_set(data, oracle, options)
    group = PropertyGroup(
        property=name,
        values=train.labels,
        rows={"train": len(train.label), "validation": len(validation.label), "test": len(test.label)},
        live=len(data.neurons),
        majority=majority,
        lookup=_lookup(train, test) if store.view == "detect" else None,
        oracle=OracleScore(validation=oracle.probe.validation, converged=oracle.probe.converged, test=score),
        smallest=None if minimal is None else opened.smallest(minimal, oracle),
        reason=reason,
        carriers=() if reason else carriers(name, train.labels, data, oracle, options.mass),
    )
    return PropertySet(group, data.neurons)


def _nothing(score: Score, majority: float, data: SelectionData, options: SetOptions) -> str:
    """Why there is no smallest set; empty where there is one."""
    if score.interval is None:
        return "test rows are one cluster (file), so that no interval can be given"
    if options.select == "safe" and len(np.unique(data.group_validation.astype(str))) < 2:
        return "validation rows are one cluster (file), which bounds no loss"
    if score.interval[0] <= majority:
        return f"the oracle, {score.interval[0]:.3f} at least, is not above the majority, {majority:.3f}"
    return ""


def _only(rows: Activations, values: tuple[int, ...]) -> Activations:
    """Rows of some classes, renumbered."""
    number = np.full(len(rows.labels), -1)
    number[list(values)] = np.arange(len(values))
    label = number[rows.label]
    kept = np.flatnonzero(label >= 0)
    return replace(
        rows,
        values=rows.values[torch.from_numpy(kept)],
        label=label[kept],
        labels=tuple(rows.labels[v] for v in values),
        group=rows.group[kept],
        text=rows.text[kept],
    )


@dataclass(frozen=True)
class _Opened:
    """Test rows: what probes are scored on."""

    data: SelectionData
    rows: Activations
    bootstrap: ClusterBootstrap

    def scores(self, probe: Probe) -> Scores:
        x = self.data.scaler.apply(self.rows.values).to(self.data.x.device)
        return probe.row_scores(x, self.rows.label)

    def tested(self, probe: Probe) -> Score:
        return scored(self.scores(probe), self.bootstrap)

    def smallest(self, minimal: MinimalSet, oracle: Oracle) -> SmallestGroup:
        same = [float(self.scores(p).mean()) for p in minimal.random_probes]
        sizes, median = minimal.random_sizes, float(np.median(minimal.random_sizes))
        return SmallestGroup(
            size=minimal.size,
            validation=minimal.probe.validation,
            test=self.tested(minimal.probe),
            converged=minimal.probe.converged and all(p.converged for p in minimal.random_probes),
            test_loss=lost(self.scores(oracle.probe), self.scores(minimal.probe), self.bootstrap),
            random_same_size=RandomScores(
                test=Spread(mean=float(np.mean(same)), low=min(same), high=max(same)), draws=len(same)
            ),
            random_size=SearchedSizes(
                median=median, low=min(sizes), high=max(sizes), ratio=minimal.size / median, draws=len(sizes)
            ),
            neurons=NeuronSet(self.data.neurons[minimal.probe.feature]),
        )


def _lookup(train: Activations, test: Activations) -> float:
    guess = lookup_predictions(train.text, train.label.astype(np.int64), test.text, len(train.labels))
    return float((guess == test.label).mean())
