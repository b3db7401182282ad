"""Whether an erased value is gone: fresh probes on planted rows, before and after, compared with a random eraser."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from neurosieve.concepts.rows import ConceptStore
from neurosieve.errors import DataError
from neurosieve.interventions import Erase
from neurosieve.interventions.editors import Change, TrainConcept, editor
from neurosieve.interventions.effects import erasure as erased
from neurosieve.interventions.effects.erasure import measure_erasure
from neurosieve.probes import fit_oracle
from neurosieve.results.interventions import Erasure
from neurosieve.typing import NeuronId, Split
from tests.concepts.planted import planted_store, values_of
from tests.tiny import assert_one_line

NAME, VALUE = "lexical", "number"
WIDTH = 12
PLANTS = {NeuronId(1, 3): (f"{NAME}={VALUE}", 2.0), NeuronId(1, 7): (f"{NAME}={VALUE}", -1.5)}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> ConceptStore:
    return planted_store(tmp_path_factory.mktemp("store") / "predict", PLANTS, layers=2, width=WIDTH, view="predict")


def number(store: ConceptStore) -> int:
    return store.table.values[NAME].index(VALUE)


def erasers(store: ConceptStore, layer: int) -> tuple[Erase, Erase]:
    edits = editor(TrainConcept(store, NAME, number(store)), Change("erase", layer=layer))
    (edit,), ((control,),) = edits.edits(0), edits.random(0, 1)
    assert isinstance(edit, Erase)
    assert isinstance(control, Erase)
    return edit, control


def measured(store: ConceptStore, layer: int, **more: Any) -> Erasure:
    return measure_erasure(store, NAME, number(store), *erasers(store, layer), draws=200, **more)


def test_planted_value_is_gone(store: ConceptStore) -> None:
    found = measured(store, 1)
    assert (found.layer, found.rank, found.majority) == (1, 1, 0.5)
    before, after, control = (probe.interval for probe in (found.before, found.after, found.control))
    assert before is not None
    assert after is not None
    assert control is not None
    assert min(before[0], control[0]) > 0.8
    assert after[0] <= 0.5 <= after[1]
    for interval, probe in ((before, found.before), (after, found.after), (control, found.control)):
        assert interval[0] <= probe.score <= interval[1]


def test_nothing_to_find_where_nothing_is_planted(store: ConceptStore) -> None:
    found = measured(store, 0)
    for probe in (found.before, found.after, found.control):
        assert probe.score == pytest.approx(0.5, abs=0.05)  # 708 rows: 2.7 standard errors


def test_against_plain_probes(store: ConceptStore) -> None:
    """Half of the test rows have the value; a logistic regression of scikit-learn on the same reads as well."""
    found, (edit, control) = measured(store, 1), erasers(store, 1)
    has = store.table.target(f"{NAME}={VALUE}").positive
    rng = np.random.default_rng(0)

    def rows(split: Split) -> tuple[np.ndarray, np.ndarray]:
        values, numbers = values_of(store, split)
        label = has[numbers]
        count = min(label.sum(), (~label).sum(), 500)
        kept = np.concatenate([rng.permutation(np.flatnonzero(side))[:count] for side in (label, ~label)])
        return values[kept][:, WIDTH:], label[kept]

    (x, y), (x_test, y_test) = rows("train"), rows("test")
    assert found.n == len(y_test)
    for probe, eraser in ((found.before, None), (found.after, edit.eraser), (found.control, control.eraser)):
        left = [v if eraser is None else eraser.apply(torch.from_numpy(v)).numpy() for v in (x, x_test)]
        plain = LogisticRegression(max_iter=1000).fit(left[0], y).score(left[1], y_test)
        assert probe.score == pytest.approx(plain, abs=0.12 if probe is found.after else 0.04)


def test_rows_are_drawn_by_seed(store: ConceptStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(erased, "ROWS", {"train": 60, "validation": 30, "test": 40})
    one, two, other = measured(store, 1), measured(store, 1), measured(store, 1, seed=5)
    assert one == two
    assert one != other
    assert one.n == 80


@pytest.mark.parametrize("split", ["train", "validation", "test"])
@pytest.mark.parametrize("all_have", [True, False])
def test_split_without_one_side(split: Split, all_have: bool, store: ConceptStore) -> None:
    edits = erasers(store, 1)
    codes = dict(store.table.codes)
    codes[NAME] = codes[NAME].copy()
    codes[NAME][store.numbers(split)] = number(store) if all_have else -1
    other = replace(store, rows=replace(store.rows, table=replace(store.table, codes=codes)))
    with pytest.raises(DataError) as caught:
        measure_erasure(other, NAME, number(store), *edits)
    assert_one_line(caught.value, split, NAME)


def test_selection_does_not_see_test(store: ConceptStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """With other test labels the probes are the same, and only their scores change."""
    probes: list[Any] = []
    right = fit_oracle

    def noted(*args: Any) -> Any:
        oracle = right(*args)
        probes.append(oracle.probe)
        return oracle

    monkeypatch.setattr(erased, "fit_oracle", noted)
    codes, test = dict(store.table.codes), store.numbers("test")
    codes[NAME] = codes[NAME].copy()
    codes[NAME][test] = np.random.default_rng(0).permutation(codes[NAME][test])
    one = measured(store, 1)
    two = measured(replace(store, rows=replace(store.rows, table=replace(store.table, codes=codes))), 1)
    for a, b in zip(probes[:3], probes[3:], strict=True):
        assert a.lam == b.lam
        assert torch.equal(a.weights, b.weights)
    assert one.before.score > two.before.score + 0.2
