"""The control task tells features of the label from features of the token; disjoint probes never see held-out rows."""

import dataclasses
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from neurosieve.activations.store import Activations
from neurosieve.data.control_labels import among, control_labels, held_out_types
from neurosieve.probes import Oracle, Probe, SelectionData, fit_oracle, fit_probe, selection_data
from neurosieve.probes import probe as probe_module
from neurosieve.probes.archive import Archive
from neurosieve.redundancy import control_probes as controls_module
from neurosieve.redundancy.control_probes import Controls, fit_controls
from neurosieve.storage.folder import Folder

TYPES, CLASSES, ROWS = 24, 3, 480
KINDS = ("label", "identity")


def tokens(kind: str, seed: int) -> Activations:
    """24 types of three classes in turn; features carry the class of a type, or which type it is, with some noise."""
    rng = np.random.default_rng(seed)
    number = rng.integers(0, TYPES, ROWS)
    label = number % CLASSES
    shown = np.eye(CLASSES)[label] if kind == "label" else np.eye(TYPES)[number]
    values = np.concatenate([4 * shown, np.zeros((ROWS, 2))], 1) + rng.normal(size=(ROWS, shown.shape[1] + 2)) * 0.2
    ids = np.array([(0, i) for i in range(values.shape[1])], dtype=np.int64)
    names = tuple(f"class{i}" for i in range(CLASSES))
    text = np.array([f"type{n}" for n in number], dtype=object)
    group = np.array([f"line{i // 4}" for i in range(ROWS)], dtype=object)
    return Activations(torch.tensor(values, dtype=torch.float32), ids, label.astype(np.int64), names, group, text)


def problem(kind: str) -> tuple[SelectionData, Oracle]:
    data = selection_data(tokens(kind, 1), tokens(kind, 2))
    return data, fit_oracle(data)


def fitted(kind: str, **changes: int) -> tuple[SelectionData, Oracle, Controls]:
    data, oracle = problem(kind)
    options = {"draws": 3, "splits": 3, "path": 12, "seed": 5} | changes
    return data, oracle, fit_controls(data, oracle, oracle.probe, **options)


@pytest.fixture(scope="module", params=KINDS)
def of_kind(request: pytest.FixtureRequest) -> tuple[str, SelectionData, Oracle, Controls]:
    return request.param, *fitted(request.param)


def selectivities(data: SelectionData, oracle: Oracle, controls: Controls, test: Activations) -> list[float]:
    """Task score less control score on rows of a third split."""
    x, share = data.scaler.apply(test.values), np.bincount(data.label.numpy()) / len(data.label)
    task = oracle.probe.row_scores(x, test.label).mean()
    return [
        float(task - probe.row_scores(x, control_labels(test.text, share, seed)).mean())
        for seed, probe in controls.control.items()
    ]


def test_selectivity_tells_label_from_identity(of_kind: tuple[str, SelectionData, Oracle, Controls]) -> None:
    kind, data, oracle, controls = of_kind
    test = tokens(kind, 3)
    assert oracle.probe.row_scores(data.scaler.apply(test.values), test.label).mean() > 0.98
    found = selectivities(data, oracle, controls, test)
    assert len(found) == 3
    if kind == "label":
        assert min(found) > 0.25  # a class of eight types cannot tell them apart
    else:
        assert max(np.abs(found)) < 0.03  # whatever a type is called is read off its own neuron


def test_seeds_name_the_draws(of_kind: tuple[str, SelectionData, Oracle, Controls]) -> None:
    controls = of_kind[3]
    assert list(controls.control) == list(controls.control_minimal) == list(controls.disjoint) == [5, 6, 7]


def test_control_probes_are_those_of_the_relabelled_data(
    of_kind: tuple[str, SelectionData, Oracle, Controls], monkeypatch: pytest.MonkeyPatch
) -> None:
    """λ on a path of its own: the oracle of the same features with each type's drawn label."""
    for closeness in ("KKT_SEARCH", "KKT_TOLERANCE"):  # ways that meet end closer together than either has to
        monkeypatch.setattr(probe_module, closeness, 1e-6)
    monkeypatch.setattr(probe_module.fit_path, "__defaults__", ((), 1e-6))
    data, oracle, controls = fitted(of_kind[0])
    share = np.bincount(data.label.numpy(), minlength=CLASSES) / len(data.label)
    for seed, probe in controls.control.items():
        drawn = {t: control_labels(np.array([t], dtype=object), share, seed)[0] for t in set(data.text)}
        train, validation = (np.array([drawn[t] for t in x]) for x in (data.text, data.text_validation))
        expected = fit_oracle(data.relabelled(train, validation), 12)
        assert probe.lam == pytest.approx(expected.probe.lam)
        np.testing.assert_allclose(probe.weights, expected.probe.weights, atol=1e-4)
        assert probe.validation == pytest.approx(expected.probe.validation)
    assert len({round(p.lam, 9) for p in controls.control.values()} | {oracle.probe.lam}) > 1


def test_control_on_the_minimal_set_reads_the_set_alone() -> None:
    data, oracle = problem("identity")
    few = np.array([4, 1, 9])
    minimal = Probe(few, oracle.probe.weights[few], oracle.probe.intercept, 0.1, True, 0.0, 0.5)
    controls = fit_controls(data, oracle, minimal, draws=2, splits=0, path=12, seed=0)
    for seed, probe in controls.control_minimal.items():
        np.testing.assert_array_equal(probe.feature, few)
        assert probe.validation < controls.control[seed].validation
    assert controls.disjoint == {}


@pytest.mark.parametrize(("draws", "splits"), [(0, 0), (0, 2), (2, 0)])
def test_none_asked_for_none_made(draws: int, splits: int) -> None:
    _, _, controls = fitted("label", draws=draws, splits=splits)
    counts = (len(controls.control), len(controls.control_minimal), len(controls.disjoint))
    assert counts == (draws, draws, splits)
    assert controls.to_frame().height == 2 * draws + splits


@pytest.mark.parametrize("kind", KINDS)
def test_disjoint_probes_never_see_held_out_rows(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is fitted and what chooses λ holds no row of a held-out type; every other row is there."""
    data, oracle = problem(kind)
    seen: list[SelectionData] = []
    right = fit_probe

    def watched(rest: SelectionData, *args: Any) -> Any:
        seen.append(rest)
        return right(rest, *args)

    monkeypatch.setattr(controls_module, "fit_probe", watched)
    fit_controls(data, oracle, oracle.probe, draws=0, splits=3, path=12, seed=5)
    assert len(seen) == 3
    for seed, rest in zip((5, 6, 7), seen, strict=True):
        held = held_out_types(data.text, data.label.numpy(), seed)
        assert len(held) == 6  # of eight types a class, 30 % are two
        for part, whole in ((rest.text, data.text), (rest.text_validation, data.text_validation)):
            assert Counter(part) == Counter(t for t in whole if t not in held)
        stays = [i for i, t in enumerate(data.text) if t not in held]
        assert torch.equal(rest.x, data.x[:, stays])
        assert torch.equal(rest.label, data.label[stays])
        stays = [i for i, t in enumerate(data.text_validation) if t not in held]
        assert torch.equal(rest.x_validation, data.x_validation[:, stays])
        np.testing.assert_array_equal(rest.label_validation, data.label_validation[stays])
        np.testing.assert_array_equal(rest.group_validation, data.group_validation[stays])


def test_held_out_rows_are_lost_to_identity_alone(of_kind: tuple[str, SelectionData, Oracle, Controls]) -> None:
    """Features of the label carry over to types never seen; features of the token do not."""
    kind, data, _, controls = of_kind
    test = tokens(kind, 3)
    x = data.scaler.apply(test.values)
    for seed, probe in controls.disjoint.items():
        rows = among(test.text, held_out_types(data.text, data.label.numpy(), seed))
        hits = probe.row_scores(x, test.label)
        assert 0 < rows.sum() < ROWS
        assert hits[~rows].mean() > 0.98
        assert hits[rows].mean() > 0.98 if kind == "label" else hits[rows].mean() < 0.7


def test_values_of_held_out_rows_do_not_matter(of_kind: tuple[str, SelectionData, Oracle, Controls]) -> None:
    """Changed beyond recognition after standardisation, they leave the probe as it is."""
    _, data, oracle, controls = of_kind
    held = held_out_types(data.text, data.label.numpy(), 5)
    spoilt = data.x.clone()
    spoilt[:, torch.from_numpy(among(data.text, held))] = 1e6
    other = fit_controls(dataclasses.replace(data, x=spoilt), oracle, oracle.probe, draws=0, splits=1, path=12, seed=5)
    assert torch.equal(other.disjoint[5].weights, controls.disjoint[5].weights)


def test_validation_of_held_out_types_only_still_chooses() -> None:
    """Where no other row of validation is left, λ is chosen on what there is."""
    data, oracle = problem("label")
    held = held_out_types(data.text, data.label.numpy(), 5)
    only = data.rows(np.ones(ROWS, dtype=bool), among(data.text_validation, held))
    controls = fit_controls(only, oracle, oracle.probe, draws=0, splits=1, path=12, seed=5)
    assert controls.disjoint[5].validation > 0.98


def test_archive_round_trip_and_frame(of_kind: tuple[str, SelectionData, Oracle, Controls], tmp_path: Path) -> None:
    controls = of_kind[3]
    controls.archive().save(Folder(tmp_path), "controls")
    back = Controls.from_archive(Archive.load(Folder(tmp_path), "controls"))
    assert back.to_frame().equals(controls.to_frame())
    assert back.to_frame().height == 9
    for kind in ("control", "control_minimal", "disjoint"):
        ours, theirs = getattr(controls, kind), getattr(back, kind)
        assert list(ours) == list(theirs)
        for seed in ours:
            assert torch.equal(ours[seed].weights, theirs[seed].weights)
            assert torch.equal(ours[seed].intercept, theirs[seed].intercept)
            np.testing.assert_array_equal(ours[seed].feature, theirs[seed].feature)
