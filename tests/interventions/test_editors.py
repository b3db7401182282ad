"""Edits made from train rows alone, against plain numpy: which neurons, how many, what with, and which random ones."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.metrics import average_precision_score, roc_auc_score

from neurosieve.activations.store import ActivationStore
from neurosieve.concepts.rows import ConceptStore
from neurosieve.errors import ConfigError, DataError
from neurosieve.interventions import Ablate, Clamp, Edit, Erase, Steer, Within, editors, fit_eraser
from neurosieve.interventions.editors import Change, NeuronEditor, TrainConcept, editor
from neurosieve.results.neuron_set import NeuronSet
from neurosieve.typing import NeuronId
from tests.concepts.planted import planted_rows, planted_store, values_of
from tests.tiny import assert_one_line

NAME, VALUE = "lexical", "number"
LAYERS, WIDTH = 4, 15
COUNT = LAYERS * WIDTH
PLANTS = {
    NeuronId(1, 3): (f"{NAME}={VALUE}", 3.0),
    NeuronId(2, 5): (f"{NAME}={VALUE}", -2.5),
    NeuronId(1, 8): (f"{NAME}={VALUE}", 2.0),
    NeuronId(3, 0): (f"{NAME}={VALUE}", -1.2),
    NeuronId(2, 2): (f"{NAME}=string", 3.0),
}
STILL = (NeuronId(1, 14), NeuronId(2, 0), *(NeuronId(0, i) for i in range(WIDTH)))  # a whole layer among them


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> ConceptStore:
    folder = tmp_path_factory.mktemp("store") / "predict"
    return planted_store(folder, PLANTS, layers=LAYERS, width=WIDTH, dead=STILL, view="predict")


def concept(store: ConceptStore, seed: int = 0) -> TrainConcept:
    return TrainConcept(store, NAME, store.table.values[NAME].index(VALUE), seed)


def train_rows(store: ConceptStore) -> tuple[np.ndarray, np.ndarray]:
    """All values, and which rows have the value."""
    values, numbers = values_of(store, "train")
    return values, store.table.target(f"{NAME}={VALUE}").positive[numbers]


def column(neuron: Sequence[int]) -> int:
    return int(neuron[0] * WIDTH + neuron[1])


def ids(neurons: np.ndarray) -> list[tuple[int, int]]:
    return [(int(a), int(b)) for a, b in neurons]


def plain_scores(store: ConceptStore) -> tuple[np.ndarray, np.ndarray]:
    """Average precision of each neuron in its better direction, and whether that is the low one."""
    values, has = train_rows(store)
    low = np.array([roc_auc_score(has, values[:, i]) < 0.5 for i in range(COUNT)])
    turned = np.where(low, -1, 1) * values
    return np.array([average_precision_score(has, turned[:, i]) for i in range(COUNT)]), low


def edited_neurons(edits: Sequence[Edit]) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    for edit in edits:
        assert isinstance(edit, Ablate | Clamp)
        found += [(edit.layer, index) for index in edit.indices]
    return found


def test_order_is_that_of_average_precision(store: ConceptStore) -> None:
    """The planted ones first; the rest falls, up to what bins of the histogram blur."""
    chosen = ids(editor(concept(store), Change("ablate", share=0.9)).candidates[-1])
    assert chosen[:4] == [(1, 3), (2, 5), (1, 8), (3, 0)]
    ap, _ = plain_scores(store)
    own = ap[[column(neuron) for neuron in chosen]]
    assert (np.diff(own) < 0.01).all()
    for layer in range(1, LAYERS):
        mine = [column(n) for n in chosen if n[0] == layer]
        others = [i for i in range(layer * WIDTH, (layer + 1) * WIDTH) if i not in mine and i not in map(column, STILL)]
        assert ap[mine].min() > ap[others].max() - 0.01


@pytest.mark.parametrize("share", [0.001, 0.01, 0.02, 0.034, 0.05, 0.2, 0.99])
def test_sizes(store: ConceptStore, share: float) -> None:
    """Never above the share, but one at least; a live half of each layer at most; the smaller begin the larger."""
    candidates = editor(concept(store), Change("clamp", share=share)).candidates
    sizes = [len(c) for c in candidates]
    assert sizes == sorted(set(sizes))
    assert all(size <= max(1, share * COUNT) for size in sizes)
    halves = sum((WIDTH - sum(layer == n for n, _ in STILL)) // 2 for layer in range(LAYERS))
    assert sizes[-1] == min(max(1, int(share * COUNT)), halves)
    for small in candidates:
        assert ids(small) == ids(candidates[-1])[: len(small)]
    wanted = {max(1, int(s * COUNT)) for s in (0.01, 0.02, 0.05, share) if s <= share}
    assert set(sizes) == {min(size, halves) for size in wanted}


def test_full_layer_gives_way(tmp_path: Path) -> None:
    """Where one layer has all the best neurons, half of it is left for the random sets."""
    plants = {NeuronId(1, i): (f"{NAME}={VALUE}", 2.0 + i / 10) for i in range(WIDTH)}
    edits = editor(
        concept(planted_store(tmp_path / "s", plants, layers=2, width=WIDTH, view="predict")),
        Change("ablate", share=0.5),
    )
    assert [n for n, _ in ids(edits.candidates[-1])].count(1) == WIDTH // 2
    assert len(list(edits.random(len(edits.candidates) - 1, 5))) == 5


@pytest.mark.parametrize("quantile", [0.0, 0.01, 0.3])
def test_clamp(store: ConceptStore, quantile: float) -> None:
    """At the quantile at which the value is not: from the bottom, of a low neuron from the top."""
    edits = editor(concept(store), Change("clamp", quantile=quantile, share=0.07))
    (_, low), (values, _) = plain_scores(store), train_rows(store)
    made = edits.edits(len(edits.candidates) - 1)
    assert sorted(edited_neurons(made)) == sorted(ids(edits.candidates[-1]))
    for edit in made:
        assert isinstance(edit, Clamp)
        for index, value in zip(edit.indices, edit.values.tolist(), strict=True):
            place = column((edit.layer, index))
            at = np.quantile(values[:, place], 1 - quantile if low[place] else quantile)
            assert value == pytest.approx(at, abs=1e-5)
    assert {bool(low[column(n)]) for n in edited_neurons(made)} == {True, False}


@pytest.mark.parametrize("how", ["zero", "mean", "resample"])
def test_ablation(store: ConceptStore, how: Any) -> None:
    values, _ = train_rows(store)
    edits = editor(concept(store, seed=3), Change("ablate", how=how, share=0.07))
    made = edits.edits(len(edits.candidates) - 1)
    assert sorted(edited_neurons(made)) == sorted(ids(edits.candidates[-1]))
    for edit in made:
        assert isinstance(edit, Ablate)
        own = values[:, [column((edit.layer, index)) for index in edit.indices]]
        pool = {"zero": np.zeros((1, own.shape[1])), "mean": own.mean(0, keepdims=True), "resample": own}[how]
        np.testing.assert_allclose(edit.pool.numpy(), pool, atol=1e-5)
        assert edit.seed == (3 if how == "resample" else 0)


def within(share: float = 0.07) -> Change:
    return Change("ablate", share=share, within=True)


def test_ranges_are_those_that_tell_the_value_best_on_train(store: ConceptStore) -> None:
    """Where each neuron is edited is its own best range of all train rows; beside it the same neurons anywhere."""
    values, positive = train_rows(store)
    edits = editor(concept(store), within())
    assert isinstance(edits, NeuronEditor)
    best = len(edits.candidates) - 1
    ranges = {r.neuron: r for r in edits.ranges(best)}
    assert sorted(ranges) == sorted(ids(edits.candidates[best]))
    for neuron, own in ranges.items():
        inside = values[:, column(neuron)]
        inside = (inside >= (own.low or -np.inf)) & (inside <= (own.high or np.inf))
        precision = average_precision_score(positive, inside)
        at_the_ends = [
            average_precision_score(positive, sign * values[:, column(neuron)] > bound)
            for sign in (-1, 1)
            for bound in np.quantile(sign * values[:, column(neuron)], np.linspace(0, 1, 30))
        ]
        assert precision > max(at_the_ends) - 0.02  # up to what bins blur
    for edit in edits.edits(best):
        assert isinstance(edit, Within)
        for index, low, high in zip(edit.edit.indices, edit.low.tolist(), edit.high.tolist(), strict=True):
            own = ranges[NeuronId(edit.layer, index)]
            assert low == pytest.approx(-np.inf if own.low is None else own.low)
            assert high == pytest.approx(np.inf if own.high is None else own.high)
    whole = edits.whole()
    assert whole.ranges(best) == ()
    assert all(isinstance(edit, Ablate) for edit in whole.edits(best))
    assert edited_neurons(whole.edits(best)) == edited_neurons([e.edit for e in edits.edits(best)])  # type: ignore[attr-defined]


def test_random_neurons_are_edited_in_as_many_rows(store: ConceptStore) -> None:
    """A drawn neuron's range holds the share of its own train rows that the chosen one's holds."""
    values, _ = train_rows(store)
    edits = editor(concept(store), within(0.02))
    assert isinstance(edits, NeuronEditor)
    (own,) = edits.ranges(0)
    inside = values[:, column(own.neuron)]
    share = ((inside >= (own.low or -np.inf)) & (inside <= (own.high or np.inf))).mean()
    for (edit,) in edits.random(0, 5):
        assert isinstance(edit, Within)
        drawn = torch.from_numpy(values[:, column((edit.layer, edit.edit.indices[0]))]).float()
        assert ((drawn >= edit.low) & (drawn <= edit.high)).float().mean().item() == pytest.approx(share, abs=0.01)


def test_values_are_those_of_train_as_it_is(store: ConceptStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sample of the rows does not lean to those that have the value: its mean is within five standard errors."""
    values, _ = train_rows(store)
    size = 300
    assert size < len(values) / 2
    monkeypatch.setattr(editors, "TRAIN_ROWS", size)
    means = []
    for seed in range(5):
        edits = editor(concept(store, seed), Change("ablate", "resample", share=0.02))
        (edit,) = edits.edits(0)
        assert isinstance(edit, Ablate)
        assert (edit.layer, edit.indices) == (1, (3,))
        assert len(edit.pool) == size
        assert np.isin(edit.pool.numpy()[:, 0], values[:, column((1, 3))].astype(np.float32)).all()
        means.append(float(edit.pool.mean()))
    own = values[:, column((1, 3))]
    assert abs(np.mean(means) - own.mean()) < 5 * own.std() / np.sqrt(5 * size)
    assert len(set(means)) == 5


@pytest.mark.parametrize("kind", ["ablate", "clamp"])
def test_random_sets(store: ConceptStore, kind: Any) -> None:
    """As many in each layer, never a chosen or a still neuron, each draw another."""
    edits = editor(concept(store), Change(kind, share=0.3))
    best = len(edits.candidates) - 1
    chosen = ids(edits.candidates[best])
    draws = [edited_neurons(own) for own in edits.random(best, 30)]
    assert len(draws) == 30
    for drawn in draws:
        assert len(set(drawn)) == len(chosen)
        assert not set(drawn) & {*chosen, *STILL}
        assert sorted(layer for layer, _ in drawn) == sorted(layer for layer, _ in chosen)
    assert len({tuple(sorted(drawn)) for drawn in draws}) > 20


def test_random_clamps_are_from_the_same_side(store: ConceptStore) -> None:
    """A neuron that is drawn for a low one is held at the other end of its own train values."""
    values, _ = train_rows(store)
    edits = editor(concept(store), Change("clamp", quantile=0.1, share=0.034))
    best = len(edits.candidates) - 1
    assert ids(edits.candidates[best]) == [(1, 3), (2, 5)]
    for own in edits.random(best, 5):
        for edit in own:
            assert isinstance(edit, Clamp)
            quantile = 0.9 if edit.layer == 2 else 0.1
            ((index,), (value,)) = edit.indices, edit.values.tolist()
            assert value == pytest.approx(np.quantile(values[:, column((edit.layer, index))], quantile), abs=1e-5)


def test_steer(store: ConceptStore) -> None:
    """The way between the class means; random steps are as long and move still neurons nowhere."""
    values, has = train_rows(store)
    edits = editor(concept(store), Change("steer", alpha=1.5, layer=1))
    (step,) = edits.edits(0)
    assert isinstance(step, Steer)
    assert (step.layer, step.alpha) == (1, 1.5)
    own = values[:, WIDTH : 2 * WIDTH]
    np.testing.assert_allclose(step.direction.numpy(), own[has].mean(0) - own[~has].mean(0), atol=1e-5)
    directions = []
    for (random,) in edits.random(0, 10):
        assert isinstance(random, Steer)
        assert (random.layer, random.alpha) == (1, 1.5)
        assert float(random.direction.norm()) == pytest.approx(float(step.direction.norm()), rel=1e-5)
        assert random.direction[14] == 0
        directions.append(random.direction / random.direction.norm())
    cosines = (torch.stack(directions) @ torch.stack(directions).T).fill_diagonal_(0)
    assert float(cosines.max()) < 0.99


def test_erase(store: ConceptStore) -> None:
    """The eraser of all train rows; random ones take as many directions, which leave the value all that it had."""
    values, has = train_rows(store)
    edits = editor(concept(store), Change("erase", layer=2))
    (edit,) = edits.edits(0)
    assert isinstance(edit, Erase)
    plain = fit_eraser(torch.from_numpy(values[:, 2 * WIDTH : 3 * WIDTH]).float(), has.astype(np.int64), 2)
    some = torch.randn(20, WIDTH)
    torch.testing.assert_close(edit.eraser.apply(some), plain.apply(some), atol=1e-4, rtol=1e-4)
    erased = edit.eraser.apply(torch.from_numpy(values[:, 2 * WIDTH : 3 * WIDTH]))
    np.testing.assert_allclose(erased[has].mean(0), erased[~has].mean(0), atol=1e-5)
    randoms = [control for (control,) in edits.random(0, 4)]
    for control in randoms:
        assert isinstance(control, Erase)
        assert (control.layer, control.eraser.rank) == (2, edit.eraser.rank)
        gone = control.eraser.apply(torch.from_numpy(values[:, 2 * WIDTH : 3 * WIDTH]))
        layer = values[:, 2 * WIDTH : 3 * WIDTH]
        np.testing.assert_allclose(gone[has].mean(0) - gone[~has].mean(0), layer[has].mean(0) - layer[~has].mean(0))
        moved = float(((layer - np.asarray(gone)) ** 2).sum(1).mean())
        assert moved == pytest.approx(control.eraser.moved, rel=1e-4)
    assert len({round(float(c.eraser.left[1, 0]), 6) for c in randoms if isinstance(c, Erase)}) == 4


@pytest.mark.parametrize("kind", ["steer", "erase"])
def test_layers(store: ConceptStore, kind: Any) -> None:
    """Every layer with a live neuron, as a whole; the one that was asked for alone."""
    candidates = editor(concept(store), Change(kind)).candidates
    every = [[(layer, i) for i in range(WIDTH)] for layer in range(1, LAYERS)]
    assert [ids(c) for c in candidates] == every
    assert [ids(c) for c in editor(concept(store), Change(kind, layer=3)).candidates] == every[-1:]
    with pytest.raises(ConfigError) as caught:
        editor(concept(store), Change(kind, layer=LAYERS))
    assert_one_line(caught.value, "--layer", "0 to 3", "got 4")
    with pytest.raises(DataError) as still:
        editor(concept(store), Change(kind, layer=0))
    assert_one_line(still.value, "layer 0", "neurons that vary", "--layer")


@pytest.mark.parametrize("kind", ["ablate", "clamp", "steer", "erase", "within"])
def test_only_train_is_read(store: ConceptStore, kind: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    right = ActivationStore.batches, ConceptStore.numbers

    def batches(self: ActivationStore, split: Any, *more: Any, **options: Any) -> Iterator[Any]:
        assert split == "train"
        return right[0](self, split, *more, **options)

    def numbers(self: ConceptStore, split: Any) -> Any:
        assert split == "train"
        return right[1](self, split)

    monkeypatch.setattr(ActivationStore, "batches", batches)
    monkeypatch.setattr(ConceptStore, "numbers", numbers)
    edits = editor(concept(store), within(0.1) if kind == "within" else Change(kind, share=0.1))
    for number in range(len(edits.candidates)):
        assert edits.edits(number)
        assert len(list(edits.random(number, 2))) == 2


@pytest.mark.parametrize("kind", ["ablate", "clamp", "steer", "erase"])
def test_same_seed_same_edits(store: ConceptStore, kind: Any) -> None:
    def numbers(seed: int) -> list[torch.Tensor]:
        found = []
        for edit, *_ in editor(concept(store, seed), Change(kind, share=0.05)).random(1, 3):
            values = {"pool": 0, "values": 0, "direction": 0}.keys() & vars(edit).keys()
            found += [getattr(edit, key).flatten() for key in values] or [edit.eraser.left.flatten()]  # type: ignore[attr-defined]
        return found

    first, again, other = numbers(0), numbers(0), numbers(7)
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not all(torch.equal(a, b) for a, b in zip(first, other, strict=True))


@pytest.mark.parametrize(("all_have", "got"), [(False, "got none"), (True, "got all")])
@pytest.mark.parametrize("kind", ["ablate", "steer"])
def test_train_needs_both_sides(store: ConceptStore, kind: Any, all_have: bool, got: str) -> None:
    codes = dict(planted_rows().table.codes)
    number = store.table.values[NAME].index(VALUE)
    train = store.numbers("train")
    codes[NAME] = codes[NAME].copy()
    codes[NAME][train] = number if all_have else (number + 1) % len(store.table.values[NAME])
    other = replace(store, rows=replace(store.rows, table=replace(store.table, codes=codes)))
    with pytest.raises(DataError) as caught:
        editor(concept(other), Change(kind))
    assert_one_line(caught.value, "train tokens with lexical=number", got)


@pytest.mark.parametrize("kind", ["ablate", "clamp"])
def test_given_neurons_are_the_only_candidate(kind: Any, store: ConceptStore) -> None:
    """Whatever their scores and the share; a clamp holds each at its own end."""
    members = NeuronSet([(2, 9), (1, 3), (2, 5)])
    edits = editor(concept(store), Change(kind, share=0.02, members=members))
    (chosen,) = edits.candidates
    assert sorted(ids(chosen)) == sorted(tuple(n) for n in members)
    assert sorted(edited_neurons(edits.edits(0))) == sorted(tuple(n) for n in members)
