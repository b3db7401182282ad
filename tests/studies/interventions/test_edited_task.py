"""What an edit does to a study's probe, against the slow way: rows read one by one, and written over."""

import json
import random
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from neurosieve.activations.selfcheck import plain_rows
from neurosieve.errors import ConfigError
from neurosieve.interventions import Ablate, Clamp, Edit, Scale, live
from neurosieve.models import CodeModel
from neurosieve.probes import ClusterBootstrap, fit_oracle
from neurosieve.probes.intervals import loss_interval
from neurosieve.probes.metrics import row_scores
from neurosieve.results import NotMeasured, Reason, to_json
from neurosieve.results.interventions import TaskEffect
from neurosieve.storage.folder import Folder
from neurosieve.studies.config import StudyConfig
from neurosieve.studies.inputs import StudyData, extract_stage, model_of, options_of, read_data
from neurosieve.studies.interventions.edited_task import probe_effect
from neurosieve.studies.redundancy.choose import RedundancyStudy
from neurosieve.studies.redundancy.selection import Selection
from neurosieve.studies.run_folder import RunFolder
from tests.studies import study
from tests.tiny import BLOCKS, WIDTH

SMALL = {"lambdas": 12, "bootstrap": 100}


@dataclass(frozen=True)
class Studied:
    """A run with its selection, and the model it was made with."""

    config: StudyConfig
    files: Folder
    data: StudyData
    model: CodeModel
    selection: Selection

    def effect(self, edits: Sequence[Edit], others: Sequence[Sequence[Edit]], **more: Any) -> TaskEffect:
        effect = probe_effect(self.config, self.files, self.data, self.model, edits, iter(others), **more)
        assert isinstance(effect, TaskEffect)
        return effect

    @cached_property
    def means(self) -> dict[int, np.ndarray]:
        """Each test row's values, of pairs each side's."""
        return self.slowly_read()

    def slowly_read(self, edits: Sequence[Edit] = ()) -> dict[int, np.ndarray]:
        """The same, one window after the other; edited at the tokens that are read from it."""
        plan = options_of(self.config, self.model.adapter.kind).plan(
            self.model, self.data.dataset, self.data.sample.rows
        )
        parts: dict[int, list[tuple[int, np.ndarray]]] = {}
        for window in plan.windows["test"]:
            seen = [any(place in tokens for tokens in window.tokens) for place in range(len(window.ids))]
            with live(self.model, edits, torch.tensor([seen])) if edits else nullcontext():
                values = np.concatenate([layer.numpy() for layer in plain_rows(self.model, window)], 1)
            for row, tokens, value in zip(window.rows, window.tokens, values, strict=True):
                parts.setdefault(row, []).append((len(tokens), value))
        return {row: np.sum([n * v for n, v in own], 0) / sum(n for n, _ in own) for row, own in parts.items()}

    @property
    def label(self) -> np.ndarray:
        """Of the test rows, as the probe knows them."""
        rows = self.data.sample.rows
        label: np.ndarray = rows.label[sorted({row // rows.sides for row in self.means})]
        return self.selection.scaler.labels(label)

    @property
    def group(self) -> np.ndarray:
        rows, dataset = self.data.sample.rows, self.data.dataset
        numbers = sorted({row // rows.sides for row in self.means})
        if rows.pair is None:
            return np.array([dataset.examples[rows.example[n]].group for n in numbers], dtype=object)
        return np.array([dataset.pairs[rows.pair[n]].group for n in numbers], dtype=object)

    def predicted(self, zeros: Sequence[int] = (), edits: Sequence[Edit] = ()) -> np.ndarray:
        """By the probe, from rows of which some neurons of the last layer are written over, or of the edited model."""
        rows = {row: value.copy() for row, value in (self.slowly_read(edits) if edits else self.means).items()}
        for value in rows.values():
            value[[BLOCKS * WIDTH + i for i in zeros]] = 0.0
        order = sorted(rows)
        vectors = [rows[n] for n in order]
        if self.data.sample.rows.sides == 2:
            sides = [(rows[n], rows[n + 1]) for n in order[::2]]
            vectors = [np.stack([np.abs(u - v), u * v], 1).ravel() for u, v in sides]
        scaler, probe = self.selection.scaler, self.selection.oracle.probe
        x = (np.stack(vectors)[:, scaler.column] - scaler.mean.numpy()) / scaler.scale.numpy()
        scores: np.ndarray = x @ probe.weights.numpy() + probe.intercept.numpy()
        return scores[:, 0] if scaler.target else scores.argmax(1)


def functions(folder: Path, value: Callable[[int], float]) -> None:
    """Texts of which the label is how often `a` is added."""
    rng = random.Random(5)
    for split, count in (("train", 60), ("valid", 30), ("test", 30)):
        rows = []
        for i in range(count):
            times = rng.randint(1, 9)
            body = " ".join(["+ a"] * times + ["- b"] * rng.randint(1, 30))
            rows.append({"func": f"{body} # {split}{i}", "target": value(times)})
        (folder / f"{split}.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))


def clones(folder: Path) -> None:
    """Pairs that are alike where both use the same sign."""
    rng = random.Random(5)
    for split, count in (("train", 60), ("valid", 30), ("test", 30)):
        rows = []
        for i in range(count):
            first = rng.choice("+-")
            second = first if i % 2 else "+-"[first == "+"]
            rows.append({f"code{n}": f"a {s} {rng.randint(0, 999)}{split}" for n, s in ((1, first), (2, second))})
            rows[-1]["label"] = str(i % 2)
        (folder / f"{split}.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))


def asked(kind: str, folder: Path) -> StudyConfig:
    if kind == "tokens":
        return study(**SMALL)
    if kind == "pairs":
        clones(folder)
        more: dict[str, Any] = {"task": "clone-detection", "pooling": "mean", "keep_overlap": True}
    else:
        functions(folder, (lambda n: n + 0.25) if kind == "values" else (lambda n: int(n > 5)))
        more = {"task": "defect-detection", "pooling": "mean"}
    return study(**SMALL | {"data": str(folder)} | more)


@pytest.fixture(scope="module", params=["tokens", "texts", "values", "pairs"])
def found(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Studied:
    """A run with an oracle, which is all that is asked of it; here it reads the last layer alone."""
    config = asked(request.param, tmp_path_factory.mktemp("data"))
    data, run = read_data(config), tmp_path_factory.mktemp("run")
    folder = RunFolder(run / "run", config, data.hashes)
    work = RedundancyStudy(config, extract_stage(config, data, folder), folder, data)
    last = work.selection.columns(np.flatnonzero(work.selection.neurons[:, 0] == BLOCKS))
    selection = Selection(last.scaler, fit_oracle(last, config.lambdas), (), (), {})
    selection.archive().save(folder.files, "selection")
    return Studied(config, folder.files, data, model_of(config), selection)


def score(predicted: np.ndarray, label: np.ndarray) -> float:
    if label.dtype.kind == "f":
        return float(1 - ((label - predicted) ** 2).mean() / (label**2).mean())
    return float((predicted == label).mean())


def used(studied: Studied) -> tuple[int, ...]:
    """Neurons on which the probe has weights."""
    probe, scaler = studied.selection.oracle.probe, studied.selection.scaler
    found = tuple(int(i) for i in scaler.neurons[probe.feature][probe.mass.sum(1).numpy() > 0, 1])
    assert len(found) > 0
    return found


def test_drop_is_that_of_rows_written_over(found: Studied) -> None:
    """Zeros in the last layer change no other: the edited rows are the plain ones with zeros."""
    own, draws = used(found), np.random.default_rng(1)
    others = [tuple(draws.choice(WIDTH, len(own), replace=False).tolist()) for _ in range(4)]
    record = found.effect([Ablate.zero(BLOCKS, own)], [[Ablate.zero(BLOCKS, o)] for o in others], rows=10**6)
    label, plain, edited = found.label, found.predicted(), found.predicted(own)
    assert np.ptp(edited) < 1e-4 < np.ptp(plain)  # the probe sees the same in all rows
    drop, drops = score(plain, label) - score(edited, label), []
    for other in others:
        drops.append(score(plain, label) - score(found.predicted(other), label))
    expected = {
        "base": score(plain, label),
        "edited": score(edited, label),
        "drop": drop,
        "random": np.mean(drops),
        "random_95": np.quantile(drops, 0.95),
        "effect": drop - np.mean(drops),
    }
    assert {key: to_json(record)[key] for key in expected} == pytest.approx(expected, abs=1e-4)
    assert (record.base.n, record.random_sets) == (len(label), 4)
    assert record.score == ("r2" if found.selection.scaler.target else "accuracy")
    assert record.rows_note == f"all {len(label)} test rows"


def test_intervals_are_of_rows_in_pairs(found: Studied) -> None:
    """Each row's loss by its file; less the mean loss by random edits."""
    own, others = used(found), [(0, 1, 2), (3, 4, 5)]
    record = found.effect([Ablate.zero(BLOCKS, own)], [[Ablate.zero(BLOCKS, o)] for o in others], rows=10**6)
    bootstrap, label = ClusterBootstrap(found.group, draws=100, seed=0), found.label
    plain, edited, *random = (row_scores(found.predicted(zeros), label) for zeros in ((), own, *others))
    assert record.drop.interval == pytest.approx(loss_interval(plain, edited, bootstrap)[1], abs=1e-4)
    usual = np.mean([row.astype(float) for row in random], 0)
    assert record.effect.interval == pytest.approx(loss_interval(usual, edited, bootstrap)[1], abs=1e-4)


def test_edit_of_no_effect_changes_nothing(found: Studied) -> None:
    nothing = [Scale(layer, tuple(range(WIDTH)), 1.0) for layer in range(BLOCKS + 1)]
    record = found.effect(nothing, [nothing])
    assert record.drop.value == record.random == record.random_95 == record.effect.value == 0.0
    assert record.edited == record.base.value
    for interval in (record.drop.interval, record.effect.interval):
        if found.selection.scaler.target:  # of values that are the same nothing tells how far they spread
            assert interval is None
        else:
            assert interval is not None
            assert -interval[0] == pytest.approx(interval[1])
            assert interval[1] > 0


def test_an_early_edit_reaches_the_probe(found: Studied) -> None:
    """What the embeddings say taken away: the last layer knows no more than places in the text."""
    flat = [Clamp(0, tuple(range(WIDTH)), torch.ones(WIDTH))]
    record = found.effect(flat, [[Scale(0, (0,), 1.0)]], rows=10**6)
    assert record.edited < record.base.value - 0.05
    assert record.random == 0.0


def test_edits_where_the_probe_reads(found: Studied) -> None:
    """Tokens beside those of the rows stay as they are, in padded batches as in one window after the other."""
    flat, other = ([Clamp(0, tuple(range(WIDTH)), torch.full((WIDTH,), value))] for value in (1.0, -2.0))
    record = found.effect(flat, [other], rows=10**6, only_read=True)
    label, plain = found.label, found.predicted()
    drops = [score(plain, label) - score(found.predicted(edits=edits), label) for edits in (flat, other)]
    assert [record.drop.value, record.random] == pytest.approx(drops, abs=1e-4)
    last = [Ablate.zero(BLOCKS, used(found))]  # other tokens cannot come to the rows any more
    assert found.effect(last, [last], only_read=True) == found.effect(last, [last])


def test_few_rows(found: Studied) -> None:
    """As many of each class, the same each time."""
    nothing = [Scale(0, (0,), 1.0)]
    one, two = (found.effect(nothing, [nothing], rows=7) for _ in range(2))
    every = found.effect(nothing, [nothing], rows=10**6).base.n
    kinds = 1 if found.selection.scaler.target else len(found.data.sample.rows.labels)
    assert one == two
    assert one.base.n == 7 * kinds < every
    assert one.rows_note == f"{7 * kinds} of {every} test rows, drawn by seed 0"


def test_no_selection(found: Studied, tmp_path: Path) -> None:
    effect = probe_effect(found.config, Folder(tmp_path), found.data, found.model, [Scale(0, (0,), 2.0)], [])
    assert effect == NotMeasured(reason=Reason.NO_PROBE, text="the run has no probe: its task was not studied")


def test_no_random_edit(found: Studied) -> None:
    with pytest.raises(ConfigError, match="random edits: expected one or more"):
        found.effect([Scale(0, (0,), 2.0)], [])
    with pytest.raises(ConfigError, match="expected at least one"):
        found.effect([], [[Scale(0, (0,), 2.0)]])
