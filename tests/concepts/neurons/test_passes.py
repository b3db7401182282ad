"""Scores of a split's rows: scikit-learn on the binned values, and blocks of layers that make one pass."""

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
import torch
from scipy.stats import false_discovery_control
from sklearn.metrics import average_precision_score, roc_auc_score

from neurosieve.activations import ActivationStore
from neurosieve.concepts.neurons import passes as scoring
from neurosieve.concepts.neurons.histograms import BINS, BUCKETS, bin_of, buckets_of
from neurosieve.concepts.neurons.passes import Values, split_scores, spread_of, values_with_rows
from neurosieve.concepts.neurons.scores import ConceptScores, joined, precision_of_bins
from neurosieve.concepts.properties import Property
from neurosieve.concepts.rows import ConceptStore, concept_rows
from neurosieve.data.dataset import Dataset, Example
from neurosieve.typing import SPLITS, NeuronId, Split
from tests.concepts.planted import planted_store, values_of

_HOME = TemporaryDirectory(prefix="scored-")  # lives as long as the test process
HIGH, LOW, DEAD = NeuronId(1, 3), NeuronId(2, 0), NeuronId(0, 6)


@cache
def store() -> ConceptStore:
    """One neuron high at numbers, one low at strings, one that never varies."""
    plants = {HIGH: ("lexical=number", 3.0), LOW: ("lexical=string", -3.0)}
    return planted_store(Path(_HOME.name) / "store", plants, dead=[DEAD])


@cache
def scored(split: Split, *, directed: bool = False) -> ConceptScores:
    values = values_with_rows(store(), 40)
    return split_scores(store(), split, values, spread_of(store()), scored("train").low if directed else None)


def column(neuron: NeuronId) -> int:
    return neuron.layer * 8 + neuron.index


@cache
def binned(split: Split) -> np.ndarray:
    """Bins of all values, by the definition: mean and standard deviation of train."""
    train, (values, _) = values_of(store(), "train")[0], values_of(store(), split)
    centre, scale = train.mean(0).astype(np.float32), train.std(0).astype(np.float32)
    scale[scale == 0] = 1
    found: np.ndarray = bin_of(torch.from_numpy((values.astype(np.float32) - centre) / scale)).numpy()
    return found


def test_spread_is_that_of_train() -> None:
    values, spread = values_of(store(), "train")[0], spread_of(store())
    np.testing.assert_allclose(spread.centre, values.mean(0), atol=1e-6)
    scale = values.std(0)
    assert scale[column(DEAD)] == 0
    np.testing.assert_allclose(spread.scale, np.where(scale > 0, scale, 1), rtol=1e-6)
    assert np.flatnonzero(~spread.alive).tolist() == [column(DEAD)]


@pytest.mark.parametrize("constant", [0.1, 1e6 / 3, -1e-30])
def test_what_never_varies_is_dead_whatever_its_value(constant: float, tmp_path: Path) -> None:
    """Also where a mean in floating point is not the value; and what hardly varies compared with its layer."""
    one = planted_store(tmp_path / "s", {}, layers=2, width=3, shards=1)
    values, table = values_of(one, "train")[0].astype(np.float32), one.store.table("train")
    values[:, 4] = np.float32(constant)
    values[:, 0] = values[:, 0] * 1e-5
    values[:, 5] = values[:, 5] * 1e-3
    one.store.manifest.shards.clear()
    layers = [torch.from_numpy(part.copy()) for part in (values[:, :3], values[:, 3:])]
    one.store.append("train", [x[:7] for x in layers], table.slice(0, 7))
    one.store.append("train", [x[7:] for x in layers], table.slice(7))
    spread = spread_of(one)
    assert spread.alive.tolist() == [False, True, True, True, False, True]
    assert float(spread.scale[4]) == 1
    assert float(spread.centre[4]) == np.float32(constant)


def overlap(one: np.ndarray, other: np.ndarray) -> float:
    """Intersection over union."""
    return float((one & other).sum() / (one | other).sum())


@pytest.mark.parametrize("directed", [False, True])
@pytest.mark.parametrize("neuron", [HIGH, LOW, NeuronId(0, 0), NeuronId(2, 7)])
def test_scores_are_scikit_learns_on_the_bins(neuron: NeuronId, directed: bool) -> None:
    scores, place = scored("test", directed=directed), column(neuron)
    bins = binned("test")[:, place]
    for i, (name, value) in enumerate(scores.values):
        codes = store().codes(name, "test")
        truth = codes == store().table.values[name].index(value)
        low = bool(scores.low[place, i])
        if directed:
            train = store().codes(name, "train") == store().table.values[name].index(value)
            assert low == (roc_auc_score(train, binned("train")[:, place]) < 0.5)
        signed = BINS - 1 - bins if low else bins
        assert scores.auroc[place, i] == pytest.approx(roc_auc_score(truth, signed), abs=1e-12)
        assert scores.ap[place, i] == pytest.approx(average_precision_score(truth, signed), abs=1e-12)
        best = max(overlap(truth, signed >= t) for t in np.unique(signed))
        assert scores.iou[place, i] == pytest.approx(best, abs=1e-12)
        assert overlap(truth, signed >= scores.threshold[place, i]) == pytest.approx(best, abs=1e-12)
        applies = codes >= 0
        if 0 < truth[applies].sum() < applies.sum():
            expected = roc_auc_score(truth[applies], signed[applies])
            assert scores.selectivity[place, i] == pytest.approx(expected, abs=1e-12)
        else:
            assert np.isnan(scores.selectivity[place, i])
        assert scores.n[i] == truth.sum()
    assert scores.rows == len(bins)


def test_selectivity_counts_values_with_too_few_rows() -> None:
    """`role=function` is no column, but its rows are among those that the property applies to."""
    assert ("role", "function") not in scored("test").values
    codes = store().codes("role", "test")
    assert (codes == store().table.values["role"].index("function")).sum() > 0


def test_z_comes_from_files_and_q_from_all_neurons_and_values() -> None:
    scores, (values, _) = scored("train"), values_of(store(), "train")
    bucket = buckets_of(store().groups("train"))
    for neuron, i in ((HIGH, 2), (LOW, 3), (NeuronId(0, 1), 0)):
        name, value = scores.values[i]
        y = store().codes(name, "train") == store().table.values[name].index(value)
        z = values[:, column(neuron)]
        influence = np.where(y, (z - z[y].mean()) / y.sum(), -(z - z[~y].mean()) / (~y).sum())
        sums, used = np.bincount(bucket, weights=influence, minlength=BUCKETS), len(set(bucket.tolist()))
        expected = (z[y].mean() - z[~y].mean()) / np.sqrt((sums**2).sum() * used / (used - 1))
        assert scores.z[column(neuron), i] == pytest.approx(expected, rel=1e-3)
    known = np.isfinite(scores.p)
    np.testing.assert_allclose(scores.q[known], false_discovery_control(scores.p[known]))
    assert np.isnan(scores.q[~known]).all()


@pytest.mark.parametrize("directed", [False, True])
def test_blocks_of_layers_are_one_pass(directed: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Benjamini–Hochberg too is over all of them."""
    whole = scored("test", directed=directed)
    asked = list[Any]()
    right = ActivationStore.batches

    def batches(self: ActivationStore, split: Split, layers: Any = None, part: Any = None) -> Any:
        asked.append(layers)
        return right(self, split, layers, part)

    values, spread = values_with_rows(store(), 40), spread_of(store())
    monkeypatch.setattr(ActivationStore, "batches", batches)
    monkeypatch.setattr(scoring, "_BYTES", 1)
    parts = split_scores(store(), "test", values, spread, scored("train").low if directed else None)
    assert asked == [[0], [1], [2]]
    for name, array in vars(whole).items():
        if isinstance(array, np.ndarray):
            np.testing.assert_allclose(getattr(parts, name), array, rtol=1e-6, err_msg=name)
        else:
            assert getattr(parts, name) == array


def test_joined_blocks_and_columns() -> None:
    whole = scored("train")
    blocks = [
        ConceptScores(**{k: v[rows] if np.ndim(v) == 2 and k != "values" else v for k, v in vars(whole).items()})
        for rows in (slice(0, 5), slice(5, 6), slice(6, None))
    ]
    np.testing.assert_array_equal(joined(blocks).q, whole.q)
    some = joined(blocks, [3, 0])
    assert some.values == (whole.values[3], whole.values[0])
    assert some.n.tolist() == whole.n[[3, 0]].tolist()
    np.testing.assert_array_equal(some.ap, whole.ap[:, [3, 0]])
    p = whole.p[:, [3, 0]]
    known = np.isfinite(p)
    np.testing.assert_allclose(some.q[known], false_discovery_control(p[known]))
    assert not np.allclose(some.q[known], whole.q[:, [3, 0]][known])


def test_precision_of_rows_in_bins() -> None:
    rng = np.random.default_rng(0)
    counts = rng.integers(0, 4, (6, 9, 2)).astype(np.float64)
    counts[3, :, 0] = 0
    counts[4, :, 1] = 0
    found = precision_of_bins(counts[..., 0], counts[..., 1])
    for row, value in zip(counts.astype(int), found, strict=True):
        truth = [kind for bin_ in row for kind, n in ((True, bin_[0]), (False, bin_[1])) for _ in range(n)]
        score = [b for b, bin_ in enumerate(row) for n in bin_ for _ in range(n)]
        if all(truth) or not any(truth):
            assert np.isnan(value)
        else:
            assert value == pytest.approx(average_precision_score(truth, score))


@pytest.mark.parametrize("min_rows", [2, 30, 200, 10**6])
def test_values_with_enough_rows(min_rows: int) -> None:
    """As many with the value and without it in train and in test; all others are named."""
    found, expected = values_with_rows(store(), min_rows), []
    for name, words in store().table.values.items():
        for v, word in enumerate(words):
            codes = [store().codes(name, split) for split in ("train", "test")]
            least = min(min((c == v).sum(), (c != v).sum()) for c in codes)
            if least >= min_rows:
                expected.append((name, word))
            else:
                assert found.left_out[f"{name}={word}"].startswith(f"{least} rows")
    assert found.names == tuple(expected)
    assert len(found.left_out) == sum(map(len, store().table.values.values())) - len(expected)
    assert set(found.kept) == {name for name, _ in expected}


def own_values(words: tuple[str, ...], tmp_path: Path) -> Values:
    """What is kept of a property that deals its values out in turn."""
    prop = Property("own", "token", "in turn", lambda _, spans: [words[i % len(words)] for i in range(len(spans))])
    one = Property("one", "token", "always the same", lambda _, spans: ["same"] * len(spans))
    dataset = Dataset(tuple(Example(f"{s}.py", "x = 1\n" * 20, (), s, s) for s in SPLITS), "made up")
    rows = concept_rows(dataset, ["python"] * 3, properties=[prop, one])
    return values_with_rows(planted_store(tmp_path / "s", {}, rows=rows, width=2), 5)


def test_no_beside_yes_is_no_value_of_its_own(tmp_path: Path) -> None:
    assert own_values(("yes", "no"), tmp_path / "1").names == (("own", "yes"),)
    found = own_values(("no", "maybe", "yes"), tmp_path / "2")
    assert {value for _, value in found.names} == {"no", "maybe", "yes"}
    assert found.left_out == {"one": "one value only (same)"}
    assert own_values(("no", "maybe"), tmp_path / "3").names == (("own", "maybe"), ("own", "no"))
