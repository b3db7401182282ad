"""Concept neurons: planted ones are claimed by their id and direction, and nothing else is."""

import json
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
import torch
from scipy.stats import rankdata
from sklearn.metrics import average_precision_score, roc_auc_score

from neurosieve.activations import ActivationStore
from neurosieve.concepts.neurons import claims
from neurosieve.concepts.neurons.bounds import ABOVE_RIVAL, AP, AUROC, Q
from neurosieve.concepts.neurons.claims import find_concepts
from neurosieve.concepts.neurons.held_out import HeldOut
from neurosieve.concepts.neurons.histograms import BINS
from neurosieve.concepts.neurons.passes import spread_of, values_with_rows
from neurosieve.concepts.neurons.rivals import Rivals
from neurosieve.concepts.rows import ConceptStore
from neurosieve.errors import DataError
from neurosieve.results import from_json, to_json
from neurosieve.results.concepts import Concept, ConceptFindings
from neurosieve.typing import SPLITS, NeuronId, Split
from tests.concepts.planted import planted_rows, planted_store, values_of
from tests.tiny import assert_one_line

CALL, LOCAL, NUMBER, DEEP, DEAD = NeuronId(1, 3), NeuronId(2, 0), NeuronId(0, 5), NeuronId(2, 7), NeuronId(0, 0)
PLANTS = {
    CALL: ("role=call", 7.0),
    LOCAL: ("role=local", -7.0),
    NUMBER: ("lexical=number", 7.0),  # which the text of a token tells as well
    DEEP: ("bracket-depth=2", 1.0),  # too weak
}
_HOME = TemporaryDirectory(prefix="claimed-")  # lives as long as the test process
Change = Callable[[Split, np.ndarray, np.ndarray], np.ndarray]


@cache
def store() -> ConceptStore:
    return planted_store(Path(_HOME.name) / "store", PLANTS, dead=[DEAD])


@cache
def findings() -> ConceptFindings:
    return find_concepts(store(), draws=100)


def changed(url: Path, change: Change, base: ConceptStore | None = None) -> ConceptStore:
    """The same store, or another, with other values of some splits."""
    base = base or store()
    manifest = replace(base.store.manifest, shards=[], dtypes=["float32"] * 3)
    copy = ActivationStore(url, manifest)
    for split in SPLITS:
        values, numbers = values_of(base, split)
        new = torch.from_numpy(change(split, values, numbers).astype(np.float32).reshape(-1, 3, 8))
        copy.append(split, [x.contiguous() for x in new.unbind(1)], base.store.table(split))
    return ConceptStore("detect", copy, base.rows)


def concept(found: ConceptFindings, name: str) -> Concept:
    return next(c for c in found.concepts if c.name == name)


def claimed(found: ConceptFindings) -> set[tuple[str, NeuronId, bool]]:
    return {(c.name, n.neuron, n.low) for c in found.concepts for n in c.claimed}


def test_planted_neurons_are_claimed() -> None:
    """By layer and index, in their direction; not where a look at the text says as much, nor where it is weak."""
    assert claimed(findings()) == {("role=call", CALL, False), ("role=local", LOCAL, True)}
    number = concept(findings(), "lexical=number")
    best = number.neurons[0]
    assert (best.neuron, best.low, best.claimed) == (NUMBER, False, False)
    assert best.ap > 0.99
    assert number.rival[0] == "shape"
    assert number.rival[1] == pytest.approx(1)
    assert best.lacking == "AP 1.00 not above the best rival, shape 1.00"
    deep = next(n for n in concept(findings(), "bracket-depth=2").neurons if n.neuron == DEEP)
    assert deep.lacking.startswith("AP on train")
    for name, neuron in (("role=call", CALL), ("role=local", LOCAL)):
        (found,) = concept(findings(), name).claimed
        assert found.neuron == neuron
        assert found.lacking == ""
        assert found.p == 0.001
        assert found.q is not None
        assert found.q < 1e-6


def test_a_dead_neuron_is_no_candidate(tmp_path: Path) -> None:
    """It would be shown with an effect that is no number; also one that wakes up on test."""

    def wake(split: Split, values: np.ndarray, numbers: np.ndarray) -> np.ndarray:
        if split == "test":
            values[:, 0] += 9 * store().table.target("role=call").positive[numbers]
        return values

    for found in (findings(), find_concepts(changed(tmp_path / "s", wake), draws=100)):
        assert DEAD not in {n.neuron for c in found.concepts for n in c.neurons}
        assert claimed(found) == claimed(findings())


def test_a_neuron_of_train_files_alone_is_not_claimed(tmp_path: Path) -> None:
    """What it does elsewhere it was never asked for; found on train, and said so."""

    def forget(split: Split, values: np.ndarray, _: np.ndarray) -> np.ndarray:
        if split != "train":
            values[:, 11] = np.random.default_rng(5).normal(size=len(values))
        return values

    found = find_concepts(changed(tmp_path / "s", forget), draws=100)
    assert claimed(found) == {("role=local", LOCAL, True)}
    lost = concept(found, "role=call").neurons[0]
    assert lost.neuron == CALL
    assert lost.train_ap > 0.95
    assert lost.lacking == f"AP {lost.ap:.2f} < 0.8"
    assert lost.p > 0.001


def test_a_neuron_that_turns_round_on_test_is_not_claimed(tmp_path: Path) -> None:
    def turn(split: Split, values: np.ndarray, _: np.ndarray) -> np.ndarray:
        values[:, 11] *= -1 if split == "test" else 1
        return values

    found = find_concepts(changed(tmp_path / "s", turn), draws=100)
    turned = concept(found, "role=call").neurons[0]
    assert (turned.neuron, turned.low) == (CALL, False)
    assert turned.auroc < 0.01
    assert not turned.claimed


def test_test_rows_never_change_what_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Candidates, their directions and their train scores are the same whatever test and validation hold."""
    monkeypatch.setattr(claims, "STRONGEST", 4)
    monkeypatch.setattr(claims, "SHOWN", 4)

    def other(split: Split, values: np.ndarray, _: np.ndarray) -> np.ndarray:
        rng = np.random.default_rng(8)
        return values if split == "train" else 30 * rng.standard_cauchy(values.shape) - 5 * values

    def candidates(found: ConceptFindings) -> list[tuple[str, set[tuple[NeuronId, bool, float, float]]]]:
        return [(c.name, {(n.neuron, n.low, n.train_auroc, n.train_ap) for n in c.neurons}) for c in found.concepts]

    one, two = find_concepts(store(), draws=100), find_concepts(changed(tmp_path / "s", other), draws=100)
    assert candidates(one) == candidates(two)
    assert all(len(own) == 4 for _, own in candidates(one))
    assert claimed(one) == claimed(findings())
    assert not claimed(two)


def test_shuffled_labels_claim_nothing() -> None:
    rng = np.random.default_rng(4)
    table = store().table
    order = rng.permutation(len(table))
    rows = replace(store().rows, table=replace(table, codes={k: c[order] for k, c in table.codes.items()}))
    found = find_concepts(ConceptStore("detect", store().store, rows), draws=100)
    assert not claimed(found)
    ap = [(n.train_ap - c.train / found.rows["train"], n.q) for c in found.concepts for n in c.neurons]
    assert max(above for above, _ in ap) < 0.1
    assert np.mean([q is not None and q < Q for _, q in ap]) < 0.05


@pytest.mark.parametrize("neuron", [CALL, LOCAL, DEEP, NeuronId(1, 1)])
def test_figures_of_a_neuron(neuron: NeuronId) -> None:
    """Each is that of this neuron, in the direction that train gives."""
    spread = spread_of(store())
    place = neuron.layer * 8 + neuron.index
    held = HeldOut.of(store(), np.array([place]), spread, 0, 100)
    raw = {split: values_of(store(), split)[0][:, place] for split in ("train", "test")}
    shown = [(c, n) for c in findings().concepts for n in c.neurons if n.neuron == neuron]
    assert len(shown) > 3
    for c, n in shown:
        name, _, value = c.name.partition("=")
        v = store().table.values[name].index(value)
        train, test = (store().codes(name, split) == v for split in ("train", "test"))
        sign = -1 if roc_auc_score(train, raw["train"]) < 0.5 else 1
        assert n.low == (sign < 0) or abs(n.train_auroc - 0.5) < 0.01
        bins, positive = held.directed(place, n.low), held.positive(name, v)
        exact = held.exact([place])[:, 0] * (-1 if n.low else 1)
        scores = exact if n.claimed else bins
        assert n.ap == pytest.approx(average_precision_score(positive, scores))
        assert n.auroc == pytest.approx(roc_auc_score(positive, scores))
        assert n.train_auroc == pytest.approx(roc_auc_score(train, -raw["train"] if n.low else raw["train"]), abs=0.02)
        by_file = held.resamples.measure(scores, positive)
        assert (n.interval, n.auroc_interval) == (by_file.ap_interval, by_file.auroc_interval)
        assert n.bounds is not None
        assert n.bounds.difference.value == pytest.approx(n.ap - c.rival[1])
        assert n.p == held.permuted(bins[None], positive)[0]
        assert n.unseen_ap == held.unseen_precision(scores, positive)
        high, rest = raw["test"][test], raw["test"][~test]
        squares = high.var() * len(high) + rest.var() * len(rest)
        effect = (high.mean() - rest.mean()) / np.sqrt(squares / (len(test) - 2))
        assert n.effect == pytest.approx(effect, abs=1e-3)
        best = max((positive & (bins >= t)).sum() / (positive | (bins >= t)).sum() for t in range(BINS))
        assert n.iou == pytest.approx(best)


def test_figures_of_a_value() -> None:
    rivals, found = Rivals.of(store()).precision, findings()
    values = values_with_rows(store(), claims.MIN_ROWS)
    assert tuple((c.property_name, c.value) for c in found.concepts) == values.names
    assert found.left_out == values.left_out
    known = set(store().texts("train"))
    unseen = np.array([text not in known for text in store().texts("test")])
    assert found.rows == {split: len(store().numbers(split)) for split in ("train", "test")}
    assert found.files == {"train": 12, "test": 16}
    ranks = {split: rankdata(values_of(store(), split)[0], axis=0) for split in ("train", "test")}

    def auroc(split: str, own: np.ndarray) -> np.ndarray:
        """Of each neuron in its better direction, by the sum of ranks."""
        n = own.sum()
        high = (ranks[split][own].sum(0) - n * (n + 1) / 2) / (n * (len(own) - n))
        better: np.ndarray = np.maximum(high, 1 - high)
        return better

    for c in found.concepts:
        v = store().table.values[c.property_name].index(c.value)
        own = {split: store().codes(c.property_name, split) == v for split in ("train", "test")}
        assert (c.train, c.test) == (own["train"].sum(), own["test"].sum())
        assert c.base == own["test"].mean()
        assert c.rivals == {rival: precision[c.property_name][v] for rival, precision in rivals.items()}
        assert c.unseen == ((own["test"] & unseen).sum(), (own["test"] & unseen).sum() / unseen.sum())
        train, test = (auroc(split, own[split]).reshape(3, 8) for split in ("train", "test"))
        for layer, best in enumerate(c.layers):
            near = np.flatnonzero(train[layer] > train[layer].max() - 0.005)  # bins may prefer another of like rank
            assert np.abs(max(best, 1 - best) - test[layer, near]).min() < 0.02


def test_claims_follow_the_bounds() -> None:
    """Each neuron shown passes all bounds, or lacks the first that it does not pass; the claimed come first."""
    for c in findings().concepts:
        flags = [n.claimed for n in c.neurons]
        assert flags == sorted(flags, reverse=True)
        others = [n.train_ap for n in c.neurons if not n.claimed]
        assert others == sorted(others, reverse=True)
        assert len(c.neurons) == claims.SHOWN
        for n in c.neurons:
            assert n.interval is not None
            assert n.auroc_interval is not None
            passes = n.train_ap >= AP and n.train_auroc >= AUROC
            passes &= n.interval[0] >= AP and n.auroc_interval[0] >= AUROC
            low = -1.0 if n.difference_interval is None else n.difference_interval[0]
            assert n.bounds is not None
            half = -1.0 if n.bounds.above_half is None else n.bounds.above_half
            assert n.claimed == (not n.lacking)
            assert n.claimed == (passes and low > 0 and (low >= ABOVE_RIVAL or half >= 0))


def test_more_claimed_than_shown(tmp_path: Path) -> None:
    """None of the claimed is left out."""

    def many(_: Split, values: np.ndarray, numbers: np.ndarray) -> np.ndarray:
        values += 7 * store().table.target("role=call").positive[numbers][:, None]
        return values

    found = concept(find_concepts(changed(tmp_path / "s", many), draws=100), "role=call")
    assert len(found.claimed) == len(found.neurons) > claims.SHOWN
    assert [n.train_ap for n in found.neurons] == sorted((n.train_ap for n in found.neurons), reverse=True)


def test_where_the_token_is_guessed_rivals_see_the_one_before(tmp_path: Path) -> None:
    """A number neuron is no news where the number is seen, and one where it is not."""
    hidden = planted_store(tmp_path / "s", {NUMBER: ("lexical=number", 7.0)}, view="predict")
    found = find_concepts(hidden, draws=100)
    assert claimed(found) == {("lexical=number", NUMBER, False)}
    assert found.view == "predict" == found.concepts[0].view


def test_record_and_frame() -> None:
    found = findings()
    text = json.dumps(to_json(found), allow_nan=False)
    assert from_json(ConceptFindings, json.loads(text), "detect.json") == found
    frame = found.to_frame()
    assert len(frame) == sum(len(c.neurons) for c in found.concepts)
    row = frame.filter((frame["property"] == "role") & (frame["value"] == "call")).row(0, named=True)
    c = concept(found, "role=call")
    n = c.neurons[0]
    assert (row["layer"], row["index"], row["low"], row["claimed"]) == (*n.neuron, n.low, True)
    assert n.interval is not None
    assert (row["ap"], row["ap_low"], row["ap_high"]) == (n.ap, *n.interval)
    assert (row["rival_name"], row["rival"], row["base"], row["n"]) == (*c.rival, c.base, c.test)
    assert (row["difference_low"], row["difference_high"]) == n.difference_interval
    assert "<p>Concept neurons" in found._repr_html_()


def test_same_seed_same_findings() -> None:
    assert find_concepts(store(), draws=100) == findings()
    assert find_concepts(store(), draws=100, seed=1) != findings()


def test_no_value_with_enough_rows() -> None:
    with pytest.raises(DataError) as caught:
        find_concepts(store(), min_rows=10**6)
    assert_one_line(caught.value, "property values in the view detect", "1000000 rows", "more tokens")
    assert len(planted_rows().rows) < 10**6
