"""The parts of the summary recomputed in plain numpy from a finished run's rows and probes."""

import json
from typing import Any

import numpy as np
import pytest
from scipy.cluster.hierarchy import fcluster, linkage

from neurosieve.data.control_labels import control_labels
from tests.studies import Finished, finished
from tests.studies.redundancy.plain import Plain, plain_of


@pytest.fixture(scope="module")
def run() -> Finished:
    return finished()


@pytest.fixture(scope="module")
def plain(run: Finished) -> Plain:
    return plain_of(run)


@pytest.fixture(scope="module")
def record(run: Finished) -> dict[str, Any]:
    return run.record


def assert_scored(part: dict[str, Any], plain: Plain, probe: str) -> None:
    """Validation and test by plain arithmetic; the interval is around the score."""
    assert part["validation"] == pytest.approx(plain.score(probe, "validation"), abs=1e-12)
    assert part["test"] == pytest.approx(plain.score(probe), abs=1e-12)
    assert part["n"] == len(plain.label["test"])
    assert part["interval"][0] <= part["test"] <= part["interval"][1]


def spread(scores: np.ndarray) -> dict[str, float]:
    return {"mean": scores.mean(), "median": float(np.median(scores)), "lo": scores.min(), "hi": scores.max()}


@pytest.mark.parametrize("kind", ["independent", "incremental"])
def test_layerwise(kind: str, record: dict[str, Any], plain: Plain) -> None:
    curve = record["layerwise"][kind]
    assert [p["layer"] for p in curve] == [0, 1, 2]
    for point in curve:
        name = f"layers:{kind}.{point['layer']}"
        assert_scored(point, plain, name)
        own = {layer for layer, _ in plain.ids(name)}
        assert own == ({point["layer"]} if kind == "independent" else set(range(point["layer"] + 1)))
    oracle = record["oracle"]
    last = record["layerwise"]["incremental"][-1]
    assert [last[k] for k in ("validation", "test", "interval")] == [
        oracle[k] for k in ("validation", "test", "interval")
    ]


def test_layer_selector(run: Finished, record: dict[str, Any], plain: Plain) -> None:
    """The least layer up to which no more rows are lost than delta allows."""
    rows = len(plain.label["validation"])
    hits = [int(plain.correct(f"layers:incremental.{k}", "validation").sum()) for k in range(3)]
    for delta in run.config.layer_deltas:
        mark = next(k for k in range(3) if hits[-1] - hits[k] <= delta * rows + 1e-9)
        assert record["layer_selector"][f"{delta:g}"] == mark


def test_clusters(run: Finished, record: dict[str, Any], plain: Plain) -> None:
    assert tuple(c["threshold"] for c in record["clusters"]) == run.config.cuts
    kept = [c["kept"] for c in record["clusters"]]
    assert kept == sorted(kept, reverse=True)
    for i, c in enumerate(record["clusters"]):
        name = f"clusters:threshold.{i}"
        assert_scored(c, plain, name)
        assert c["kept"] == len(set(plain.ids(name)))
        assert c["dead"] == record["dead"]


def test_clusters_by_plain_correlation(record: dict[str, Any], plain: Plain) -> None:
    """As many as SciPy's average linkage leaves; rows are balanced here as they are."""
    label = plain.label["train"]
    assert record["general_rows"] == 3 * np.bincount(label).min() == len(label)
    r = np.abs(np.corrcoef(plain.values["train"].T))
    links = linkage((1 - r)[np.triu_indices(len(r), 1)], "average")
    for cut in record["clusters"]:
        assert cut["kept"] == fcluster(links, cut["threshold"], "distance").max()


def test_cka_by_its_plain_definition(record: dict[str, Any], plain: Plain) -> None:
    """HSIC without bias of linear kernels (Song et al. 2012), row by row kernels with an empty diagonal."""
    kernels = []
    for layer in range(3):
        x = plain.values["train"][:, layer * 16 : (layer + 1) * 16]
        kernel = x @ x.T
        np.fill_diagonal(kernel, 0)
        kernels.append(kernel)

    def hsic(a: np.ndarray, b: np.ndarray) -> float:
        n = len(a)
        total = np.trace(a @ b) + a.sum() * b.sum() / ((n - 1) * (n - 2)) - 2 * a.sum(0) @ b.sum(0) / (n - 2)
        return float(total / (n * (n - 3)))

    expected = [[hsic(a, b) / np.sqrt(hsic(a, a) * hsic(b, b)) for b in kernels] for a in kernels]
    np.testing.assert_allclose(record["cka"], expected, atol=1e-6)


def test_curves(record: dict[str, Any], plain: Plain, run: Finished) -> None:
    """Each ranking's points are on its own top neurons; the random band counts the orders that got to that size."""
    counts = json.loads((run.folder / "selection.json").read_text())["record"]["curves"]
    assert set(counts) == {"lca", "probeless", *(f"random[{s}]" for s in range(1, 11))}
    for ranking in ("lca", "probeless"):
        points = [p for p in record["curves"] if p["ranking"] == ranking]
        assert len(points) == counts[ranking] >= 3
        order = [tuple(n) for n in plain.tensors["scaler.neurons"][plain.tensors[f"ranking.{ranking}.order"]].tolist()]
        for i, point in enumerate(points):
            name = f"curve.{ranking}.{i}"
            assert_scored(point, plain, name)
            assert set(plain.ids(name)) == set(order[: point["size"]])
        sizes = [p["size"] for p in points]
        assert sizes == sorted(set(sizes))
        chosen = next(s["size"] for s in record["minimal_sets"] if s["ranking"] == ranking)
        assert sizes[-1] >= min(record["neurons"] - record["dead"], 4 * chosen)


def test_random_band(record: dict[str, Any], plain: Plain, run: Finished) -> None:
    counts = json.loads((run.folder / "selection.json").read_text())["record"]["curves"]
    band: dict[int, list[float]] = {}
    for name in (f"random[{s}]" for s in range(1, 11)):
        for i in range(counts[name]):
            size = len(plain.tensors[f"curve.{name}.{i}.feature"])
            band.setdefault(size, []).append(plain.score(f"curve.{name}.{i}"))
    points = [p for p in record["curves"] if p["ranking"] == "random"]
    assert [p["size"] for p in points] == sorted(band)
    for p in points:
        scores = band[p["size"]]
        assert p["draws"] == len(scores) <= 10
        assert (p["mean"], p["lo"], p["hi"]) == pytest.approx((np.mean(scores), min(scores), max(scores)))


def plain_selectivity(plain: Plain, task: str, kind: str, rows: np.ndarray, draws: int) -> dict[str, float]:
    """One text at a time: its drawn label, and whether the control's probe says so."""
    counts = np.bincount(plain.label["train"], minlength=3)
    scores = []
    for seed in range(draws):
        said = plain.predicted(f"controls:{kind}.{seed}")
        hits = 0
        for i in np.flatnonzero(rows):
            word = np.array([plain.text["test"][i]], dtype=object)
            hits += said[i] == control_labels(word, counts / counts.sum(), seed)[0]
        scores.append(hits / rows.sum())
    ours = float(plain.correct(task)[rows].mean())
    mean = float(np.mean(scores))
    return {"task": ours, "control": mean, "lo": min(scores), "hi": max(scores), "selectivity": ours - mean}


@pytest.mark.parametrize("part", ["all", "seen", "minimal_set"])
def test_control(part: str, run: Finished, record: dict[str, Any], plain: Plain) -> None:
    rows = np.ones(90, dtype=bool) if part == "all" else ~plain.unseen
    names = ("set.0", "control_minimal") if part == "minimal_set" else ("oracle", "control")
    expected = plain_selectivity(plain, *names, rows, run.config.control_draws)
    found = record["control"][part]
    for key in ("task", "control", "selectivity"):
        assert found[key] == pytest.approx(expected[key], abs=1e-12)
    assert found["control_range"] == pytest.approx([expected["lo"], expected["hi"]])
    assert found["rows"] == rows.sum() >= 30
    assert found["interval"][0] < found["selectivity"] < found["interval"][1]


def test_control_headline(run: Finished, record: dict[str, Any], plain: Plain) -> None:
    """The rows seen in train; and the score of always saying the control's most likely label."""
    control = record["control"]
    assert {k: control[k] for k in control["seen"]} == control["seen"]
    assert control["draws"] == run.config.control_draws > 1
    assert control["selectivity"] == pytest.approx(control["task"] - control["control"])
    counts = np.bincount(plain.label["train"], minlength=3)
    words = np.array(plain.text["test"], dtype=object)[~plain.unseen]
    drawn = [control_labels(words, counts / counts.sum(), s) for s in range(control["draws"])]
    majority = [np.bincount(labels).max() / len(labels) for labels in drawn]  # the best constant of each draw
    assert control["majority"] == pytest.approx(np.mean(majority))


def untrained_files(run: Finished) -> list[dict[str, Any]]:
    return [
        json.loads((run.folder / f"untrained-{seed}.json").read_text()) for seed in range(run.config.untrained_seeds)
    ]


def test_untrained(run: Finished, record: dict[str, Any], plain: Plain) -> None:
    part, copies = record["baselines"]["untrained_model"], untrained_files(run)
    assert part["seeds"] == [c["seed"] for c in copies] == [0, 1]
    for c in copies:
        assert c["label"] == plain.label["test"].tolist()  # the rows of the store, in its order
    hits = np.array([c["predicted"] for c in copies]) == plain.label["test"]
    for rows, key in ((np.ones(90, dtype=bool), "test"), (plain.unseen, "unseen_natural")):
        scores = hits[:, rows].mean(1)
        assert part[key] == pytest.approx(spread(scores))
    for layer, found in enumerate(part["layers"]):
        scores = (np.array([c["layers"][layer] for c in copies]) == plain.label["test"]).mean(1)
        assert found == pytest.approx(spread(scores))
    assert part["converged"]


def test_unseen_beside_untrained(run: Finished, record: dict[str, Any], plain: Plain) -> None:
    natural, rows = record["unseen"]["natural"], plain.unseen
    hits = (np.array([c["predicted"] for c in untrained_files(run)]) == plain.label["test"])[:, rows]
    ours = plain.correct("oracle")
    found = natural["untrained"]
    assert (found["mean"], found["lo"], found["hi"]) == pytest.approx(
        (hits.mean(), hits.mean(1).min(), hits.mean(1).max())
    )
    assert found["gain"]["value"] == pytest.approx(ours[rows].mean() - hits.mean())
    assert natural["seen"]["score"] == pytest.approx(ours[~rows].mean())
    assert natural["seen"]["n"] + natural["n"] == 90


def all_probes(plain: Plain) -> dict[str, tuple[int, int, float]]:
    """Size, depth and validation score of everything fitted but random and control probes."""
    names = [k.removesuffix(".feature") for k in plain.tensors if k.endswith(".feature")]
    names = [n for n in names if "random" not in n and not n.startswith("controls:")]
    found = {}
    for n in names:
        ids = plain.ids(n)
        if ids:
            found[n] = (len(ids), max(layer for layer, _ in ids), plain.score(n, "validation"))
    return found


def test_pareto_is_the_front_of_all_that_was_fitted(record: dict[str, Any], plain: Plain) -> None:
    points = set(all_probes(plain).values())
    assert len(points) > 20
    front = {
        (s, d, v)
        for s, d, v in points
        if not any(a <= s and b <= d and c >= v - 1e-12 and (a, b, c) != (s, d, v) for a, b, c in points)
    }
    found = [(p["size"], p["depth"], p["validation"]) for p in record["pareto"]]
    assert len(found) == len(front)
    np.testing.assert_allclose(found, sorted(front), atol=1e-12)
    for p in record["pareto"]:
        assert p["source"].split()[0] in {"lca", "probeless", "layers", "layer", "clusters", "pipeline"}
        tests = {
            round(plain.score(n), 9)
            for n, cost in all_probes(plain).items()
            if cost == pytest.approx((p["size"], p["depth"], p["validation"]))
        }
        assert round(p["test"], 9) in tests


def test_pipeline(run: Finished, record: dict[str, Any], plain: Plain) -> None:
    part, tried = record["pipeline"], record["pipeline"]["tried"]
    pairs = [(a, b, t) for a, b in run.config.pipeline_pairs for t in run.config.pipeline_thresholds]
    assert [(t["layer_delta"], t["delta"], t["clustering_threshold"]) for t in tried] == pairs
    oracle = plain.score("oracle", "validation")
    for i, way in enumerate(tried):
        name = f"pipeline:set.{i}"
        assert (way["validation"], way["test"]) == pytest.approx((plain.score(name, "validation"), plain.score(name)))
        ids = plain.ids(name)
        assert len(set(ids)) == way["size"] <= way["kept"]
        assert max(layer for layer, _ in ids) <= way["layers_kept"]
        assert oracle - way["validation"] <= way["delta"] + 1e-9
    best = min(range(len(tried)), key=lambda i: (tried[i]["size"], -tried[i]["validation"]))
    name = f"pipeline:set.{best}"
    assert_scored(part, plain, name)
    assert part["size"] == tried[best]["size"] == len(part["neurons"])
    assert [tuple(n) for n in part["neurons"]] == plain.ids(name)
    assert part["reduction"] == pytest.approx(1 - part["size"] / record["neurons"])
    assert part["test_loss"]["value"] == pytest.approx(plain.score("oracle") - part["test"])


def test_disjoint_needs_thirty_rows(record: dict[str, Any]) -> None:
    part = record["unseen"]["disjoint"]
    assert (part["mean"], part["lo"], part["hi"]) == (None, None, None)
    assert "30 test rows" in part["reason"]
