"""Neurons in rewritten files: one planted to follow spelling only is told from one that follows structure."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.preprocessing import StandardScaler

from neurosieve.concepts.neurons.neuron_stability import best_threshold, neuron_stability, set_stability
from neurosieve.concepts.rows import ConceptStore
from neurosieve.defaults import REWRITES
from neurosieve.results.concept_sets import ConceptSet
from neurosieve.results.concept_stability import NeuronStability
from neurosieve.results.concepts import ConceptFindings, ConceptNeuron
from neurosieve.results.neuron_set import NeuronSet
from neurosieve.typing import NeuronId
from tests.concepts.planted import planted_store, values_of
from tests.concepts.rewritten_readings import BOTH, LAYOUT, LOCAL, SPELLING, STRUCTURE, planted, readings
from tests.report.concept_results import concept, found_neuron
from tests.report.test_set_tables import few


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> ConceptStore:
    """All four neurons tell the value in the files as they are, far above the noise."""
    url: Path = tmp_path_factory.mktemp("stable")
    return planted_store(url / "store", {NeuronId(0, i): (LOCAL, 60.0) for i in range(4)}, layers=1, width=4)


def findings(*neurons: ConceptNeuron) -> ConceptFindings:
    found = (concept("detect", "role", "local", *neurons),)
    return ConceptFindings(view="detect", rows={}, files={}, concepts=found, left_out={}, untrained_reason="")


def stable(
    store: ConceptStore, patch: pytest.MonkeyPatch, *, low: bool = False, kinds: tuple[str, ...] = REWRITES
) -> list[NeuronStability]:
    sign = -60.0 if low else 60.0
    found = readings(patch, kinds, lambda *of: [sign * x for x in planted(*of)])
    return neuron_stability(store, findings(*(found_neuron(0, i, 0.9, claimed=True, low=low) for i in range(4))), found)


def test_planted_neurons_are_told_apart(store: ConceptStore, monkeypatch: pytest.MonkeyPatch) -> None:
    found = stable(store, monkeypatch)
    table = store.table.target(LOCAL).positive
    assert [n.neuron for n in found] == [NeuronId(0, i) for i in range(4)]
    assert [n.follows_spelling for n in found] == [True, False, False, False]
    spelling, structure = found[SPELLING].renamed, found[STRUCTURE].renamed
    for n in found:
        assert 10 < n.threshold <= 60
        assert set(n.rewrites) == set(REWRITES)
        assert n.claimed
        assert 30 < n.renamed.n <= n.rewrites["layout"].n <= table.sum()
    assert structure.share == 1
    assert all(s.share == 1 for s in found[STRUCTURE].rewrites.values())
    assert structure.interval is not None
    assert structure.interval[0] > 0.8
    assert spelling.share == 0
    assert spelling.interval is not None
    assert 0 < spelling.interval[1] < 0.2  # never of width 0
    assert found[SPELLING].rewrites["layout"].share == found[SPELLING].rewrites["comments"].share == 1
    kept = found[SPELLING].rewrites["renamed"]
    assert kept.share == pytest.approx(1 - spelling.n / kept.n)  # those that keep their names
    assert (found[LAYOUT].rewrites["layout"].share or 0) < 0.2  # in some lines the new column is the old one
    assert found[BOTH].renamed.share == 0


def test_a_neuron_that_is_low(store: ConceptStore, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    turned = planted_store(tmp_path / "s", {NeuronId(0, i): (LOCAL, -60.0) for i in range(4)}, layers=1, width=4)
    low, high = stable(turned, monkeypatch, low=True), stable(store, monkeypatch)
    assert [(n.rewrites, n.renamed) for n in low] == [(n.rewrites, n.renamed) for n in high]
    assert all(n.threshold < -10 for n in low)


def test_without_renaming_nothing_is_said_of_spelling(store: ConceptStore, monkeypatch: pytest.MonkeyPatch) -> None:
    found = stable(store, monkeypatch, kinds=("layout",))
    assert all(n.renamed.n == 0 and not n.follows_spelling for n in found)


def test_which_neurons_are_read_again(store: ConceptStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """The claimed ones; else the strongest by train, if it detects the value."""
    read = readings(monkeypatch, ("layout",))
    claimed = found_neuron(0, 1, 0.9, claimed=True)
    weak, strong = found_neuron(0, 0, 0.49, claimed=False), found_neuron(0, 2, 0.5, claimed=False)
    for given_neurons, expected in (((claimed, strong), [1]), ((weak, strong), []), ((strong, weak), [2]), ((), [])):
        found = neuron_stability(store, findings(*given_neurons), read)
        assert [n.neuron.index for n in found] == expected


def of_set(neurons: tuple[int, ...], weights: tuple[float, ...], lacking: str = "") -> ConceptSet:
    return replace(few(2, 0.9, lacking=lacking), neurons=NeuronSet([(0, i) for i in neurons]), weights=weights)


def test_sets_are_told_apart_as_neurons_are(store: ConceptStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the neuron that weighs most; the smallest claimed set is read, one neuron alone or one not claimed is not."""
    read = readings(monkeypatch, REWRITES, lambda *of: [60 * x for x in planted(*of)])
    chosen = (
        of_set((SPELLING, LAYOUT), (3.0, 0.01)), of_set((STRUCTURE, BOTH), (3.0, 0.01)),
        of_set((BOTH, STRUCTURE), (3.0, -0.01)), of_set((STRUCTURE,), (1.0,)),
        of_set((SPELLING, LAYOUT), (1.0, 1.0), "AP"),
    )  # fmt: skip
    found = findings()
    concepts = tuple(replace(found.concepts[0], sets=(one, of_set((0, 1, 2), (1.0, 1.0, 1.0)))) for one in chosen[:4])
    concepts += (replace(found.concepts[0], sets=chosen[4:]),)
    stable_sets = set_stability(store, replace(found, concepts=concepts), read)
    assert [s.neurons for s in stable_sets] == [s.neurons for s in chosen[:3]]
    assert [s.follows_spelling for s in stable_sets] == [True, False, False]
    alone = {n.neuron.index: n for n in stable(store, monkeypatch)}
    for own, heaviest in zip(stable_sets, (SPELLING, STRUCTURE, BOTH), strict=True):
        assert (own.renamed, own.rewrites) == (alone[heaviest].renamed, alone[heaviest].rewrites)
        assert (own.value, own.ap) == (LOCAL, 0.9)


def test_the_threshold_of_a_set_is_of_standardised_neurons(
    store: ConceptStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    (one,) = set_stability(
        store,
        replace(findings(), concepts=(replace(findings().concepts[0], sets=(of_set((2, 0), (1.5, -0.5)),)),)),
        readings(monkeypatch, ("layout",)),
    )
    values, numbers = values_of(store, "train")
    z = StandardScaler().fit_transform(values.astype(np.float64))
    expected = best_threshold(1.5 * z[:, 2] - 0.5 * z[:, 0], store.table.target(LOCAL).positive[numbers])
    assert one.threshold == pytest.approx(expected, abs=1e-3)


@given(arrays(np.int64, 20, elements=st.integers(-3, 3)), arrays(np.bool_, 20))
@settings(max_examples=50, deadline=None)
def test_the_threshold_is_that_of_a_plain_search(values: np.ndarray, positive: np.ndarray) -> None:
    def overlap(at: float) -> float:
        beyond = values >= at
        return float((beyond & positive).sum() / max(1, (beyond | positive).sum()))

    best = max(overlap(at) for at in values)
    assert overlap(best_threshold(values, positive)) == best
