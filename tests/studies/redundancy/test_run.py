"""A finished run: the summary's keys and types, and its figures recomputed in plain numpy from the store."""

import html
import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neurosieve.activations.store import Activations, ActivationStore
from neurosieve.probes import selection_data
from neurosieve.probes.archive import Archive
from neurosieve.results import to_json
from neurosieve.studies.finished import load_summary
from neurosieve.studies.inputs import extract_stage, read_data
from neurosieve.studies.redundancy.choose import RedundancyStudy, choose
from neurosieve.studies.redundancy.run import run_study
from neurosieve.studies.redundancy.selection import Selection, select
from neurosieve.studies.run_folder import RunFolder
from neurosieve.typing import Split
from tests.studies import STAGES, Finished, finished, finished_at_chance, finished_published, lasting, quick
from tests.studies.redundancy.plain import Plain, plain_of

SCORE = {"score": float, "n": int, "interval": list}
SPREAD = {"mean": float, "median": float, "lo": float, "hi": float}
TESTED = {"validation": float, "test": float, "n": int, "interval": list}
GAIN = {"value": float, "interval": list}
METRICS = {"metrics": {"macro_f1": GAIN, "mcc": GAIN}}
SELECTIVITY = {"task": float, "control": float, "control_range": list, "selectivity": float, "interval": list}
SELECTIVITY |= {"rows": int, "majority": float}
HELD = {"test_loss": GAIN, "within": bool, "p_outside": float, "unseen_natural": SCORE | {"loss": GAIN}}
SHAPE: dict[str, Any] = {
    "format": int,
    "headline": str,
    "trust": list,
    "model": str,
    "revision": None,
    "site": str,
    "task": str,
    "metric": str,
    "protocol": str,
    "layers": int,
    "neurons": int,
    "dead": int,
    "labels": list,
    "rows": {"train": int, "validation": int, "test": int},
    "units": dict.fromkeys(("kept", "truncated", "skipped", "empty", "shared_subwords"), int),
    "long_examples": int,
    "mistakes": [{"text": str, "label": str, "predicted": str, "unseen": bool}],
    "oracle": TESTED | {"lambda": float, "converged": bool, "path": list, "per_class": dict} | METRICS,
    "baselines": {"majority": float, "token_lookup": SCORE | METRICS, "layer0": SCORE | {"validation": float}}
    | {"random_neurons": {"size": int} | SPREAD}
    | {
        "untrained_model": {
            "test": SPREAD,
            "unseen_natural": SPREAD,
            "seeds": list,
            "converged": bool,
            "layers": [SPREAD],
        }
    },
    "unseen": {
        "natural": SCORE
        | {
            "token_lookup": SCORE,
            "seen": SCORE | {"per_class": dict},
            "untrained": SPREAD | {"gain": GAIN},
            "per_class": dict,
        },
        "disjoint": {"mean": None, "lo": None, "hi": None, "splits": int, "reason": str},
    },
    "control": SELECTIVITY
    | {"draws": int, "all": SELECTIVITY, "seen": SELECTIVITY, "minimal_set": SELECTIVITY}
    | {"by_type": None, "by_type_reason": str},
    "layerwise": {kind: [{"layer": int} | TESTED] for kind in ("independent", "incremental")},
    "layer_selector": dict.fromkeys(("0.01", "0.02", "0.03"), int),
    "cka": [[float]],
    "general_rows": int,
    "clusters": [{"threshold": float, "kept": int, "dead": int} | TESTED],
    "curves": list,
    "minimal_sets": [
        {"ranking": str, "delta": float, "select": str, "size": int, "size_range": [int], "converged": bool}
        | HELD
        | TESTED
        | {"random_same_size": SPREAD | {"loss": SPREAD}}
        | {"random_size": {"median": float, "lo": int, "hi": int, "ratio": float, "ratio_range": [float]}}
        | {"neurons": [[int]], "weights": [[float]]}
        | METRICS
    ],
    "agreement": {"neurons": int, "rankings": list, "pairs": list},
    "stability": None,
    "stability_reason": str,
    "pareto": [{"source": str, "size": int, "depth": int} | TESTED],
    "pipeline": {"delta": float, "layer_delta": float, "layers_kept": int, "clustering_threshold": None}
    | {"ranking": str, "size": int, "reduction": float, "neurons": [[int]], "tried": list}
    | HELD
    | TESTED,
    "notes": list,
    "seconds": dict.fromkeys(STAGES, float),
    "peak_rss_mb": float,
    "versions": dict,
    "seeds": {"study": int, "random_draws": int, "bootstrap": int},
    "data_hashes": dict,
    "study_sha256": str,
    "sha256": str,
}


def assert_shape(value: Any, shape: Any, where: str = "summary") -> None:
    if isinstance(shape, dict):
        assert set(value) == set(shape), where
        for key, inner in shape.items():
            assert_shape(value[key], inner, f"{where}.{key}")
    elif isinstance(shape, list):
        assert value, where
        for item in value:
            assert_shape(item, shape[0], where)
    elif shape is None:
        assert value is None, where
    else:
        assert type(value) is shape, where


@pytest.fixture(scope="module")
def run() -> Finished:
    return finished()


@pytest.fixture(scope="module")
def plain(run: Finished) -> Plain:
    return plain_of(run)


def no_constant(name: str) -> float:
    raise AssertionError(f"{name} in summary.json")


def test_keys_and_types(run: Finished) -> None:
    record = json.loads((run.folder / "summary.json").read_text(encoding="utf-8"), parse_constant=no_constant)
    assert_shape(record, SHAPE)
    for entry in record["trust"]:
        assert_shape(entry, dict.fromkeys(("key", "question", "answer", "figures"), str), "trust")
    for point in record["curves"]:
        more = {"draws": int} | SPREAD if point["ranking"] == "random" else TESTED
        assert_shape(point, {"ranking": str, "size": int} | more, "curves")
    for way in record["pipeline"]["tried"]:
        kept = {"layer_delta": float, "delta": float, "layers_kept": int, "kept": int}
        cut = {"clustering_threshold": type(way["clustering_threshold"])} if way["clustering_threshold"] else {}
        assert_shape(way, kept | {"clustering_threshold": None, "size": int, "validation": float, "test": float} | cut)
    for step in record["oracle"]["path"]:
        assert_shape(step, {"lambda": float, "validation": float, "nonzero": int, "converged": bool}, "path")
    assert record == to_json(run.summary)  # what is returned is what is written


def test_what_the_study_says_of_itself(run: Finished) -> None:
    record, config = run.record, run.config
    assert (record["model"], record["task"], record["metric"]) == (config.model, "token-tagging", "accuracy")
    assert (record["layers"], record["neurons"], record["labels"]) == (3, 48, ["NAME", "NUM", "SIGN"])
    assert record["rows"] == {"train": 180, "validation": 90, "test": 90}
    assert record["units"]["kept"] == 360
    assert record["seeds"] == {"study": 0, "random_draws": 10, "bootstrap": 200}
    assert set(record["data_hashes"]) == {f"{s}.{e}" for s in ("train", "valid", "test") for e in ("in", "label")}
    assert record["versions"]["neurosieve"]


def test_oracle_path(run: Finished) -> None:
    """λ falls from λ_max, where no weight is left; the best validation score is taken, ties to the larger λ."""
    oracle = run.record["oracle"]
    path = oracle["path"]
    assert len(path) >= 12
    assert path[0]["nonzero"] == 0
    assert path[-1]["lambda"] == pytest.approx(1e-3 * path[0]["lambda"])
    top = max(step["validation"] for step in path)
    assert next(s["lambda"] for s in path if s["validation"] == top) == oracle["lambda"]
    assert oracle["validation"] == top
    assert oracle["converged"]


@pytest.mark.parametrize("split", ["validation", "test"])
def test_oracle_recomputed(split: Split, run: Finished, plain: Plain) -> None:
    assert run.record["oracle"][split] == pytest.approx(plain.correct("oracle", split).mean(), abs=1e-12)
    assert run.record["oracle"]["test"] > run.record["baselines"]["majority"] + 0.1


@pytest.mark.parametrize("number", [0, 1])
def test_sets_recomputed(number: int, run: Finished, plain: Plain) -> None:
    found, name = run.record["minimal_sets"][number], f"set.{number}"
    assert found["ranking"] == ("lca", "probeless")[number]
    small, oracle = plain.correct(name), plain.correct("oracle")
    assert found["test"] == pytest.approx(small.mean())
    assert found["test_loss"]["value"] == pytest.approx(oracle.mean() - small.mean())
    assert found["validation"] == pytest.approx(plain.correct(name, "validation").mean())
    assert plain.correct("oracle", "validation").mean() - found["validation"] <= found["delta"] + 1e-9
    same = [plain.correct(f"{name}.random.{j}").mean() for j in range(10)]
    spread = {"mean": np.mean(same), "median": np.median(same), "lo": min(same), "hi": max(same)}
    assert {k: found["random_same_size"][k] for k in spread} == pytest.approx(spread)
    assert found["random_same_size"]["loss"]["hi"] == pytest.approx(oracle.mean() - min(same))
    assert found["size_range"][0] <= found["size_range"][1]
    assert found["within"] == (found["test_loss"]["interval"][1] <= found["delta"]) or number == 1
    assert found["random_size"]["ratio"] == pytest.approx(found["size"] / found["random_size"]["median"])
    np.testing.assert_allclose(found["weights"], plain.tensors[f"{name}.weights"], rtol=1e-6)
    if number == 0:
        assert run.record["baselines"]["random_neurons"] == {"size": found["size"]} | {
            k: found["random_same_size"][k] for k in SPREAD
        }


def test_layer0_recomputed(run: Finished, plain: Plain) -> None:
    layer0 = run.record["baselines"]["layer0"]
    name = "layers:independent.0"
    assert layer0["score"] == pytest.approx(plain.correct(name).mean())
    assert layer0["validation"] == pytest.approx(plain.correct(name, "validation").mean())
    assert {layer for layer, _ in plain.ids(name)} == {0}


def test_majority_and_lookup_by_plain_loops(run: Finished, plain: Plain) -> None:
    common = min(Counter(plain.label["train"].tolist()).items(), key=lambda item: (-item[1], item[0]))[0]
    counts, here = Counter(plain.label["train"].tolist()), Counter(plain.label["test"].tolist())
    most = max(here[label] for label, count in counts.items() if count == max(counts.values()))
    looked = unseen = unseen_looked = 0
    for text, label in zip(plain.text["test"], plain.label["test"], strict=True):
        seen = [y for t, y in zip(plain.text["train"], plain.label["train"], strict=True) if t == text]
        guess = min(set(seen), key=lambda y: (-seen.count(y), y)) if seen else common
        looked += label == guess
        unseen += not seen
        unseen_looked += not seen and label == guess
    baselines, natural, n = run.record["baselines"], run.record["unseen"]["natural"], len(plain.label["test"])
    assert baselines["majority"] == pytest.approx(most / n)
    assert (baselines["token_lookup"]["score"], baselines["token_lookup"]["n"]) == (pytest.approx(looked / n), n)
    assert natural["n"] == natural["token_lookup"]["n"] == unseen
    assert natural["token_lookup"]["score"] == pytest.approx(unseen_looked / unseen)


def test_unseen_rows_recomputed(run: Finished, plain: Plain) -> None:
    natural, known = run.record["unseen"]["natural"], set(plain.text["train"])
    rows = np.array([text not in known for text in plain.text["test"]])
    assert natural["score"] == pytest.approx(plain.correct("oracle")[rows].mean())
    assert sum(c["n"] for c in natural["per_class"].values()) == natural["n"] == rows.sum() >= 30


def test_too_few_rows_are_null_with_a_reason(tmp_path: Path) -> None:
    record = to_json(run_study(quick(rows={"train": 40, "validation": 12, "test": 9}), tmp_path))
    natural, classes = record["unseen"]["natural"], record["oracle"]["per_class"]
    assert natural["score"] is None
    assert natural["n"] < 30
    assert str(natural["n"]) in natural["reason"]
    assert record["baselines"]["untrained_model"]["unseen_natural"] is None
    (entry,) = (e for e in record["trust"] if e["key"] == "untrained")
    assert (entry["answer"], entry["figures"]) == ("not measured", natural["reason"])
    for scores in classes.values():
        assert (scores["n"], scores["recall"], scores["precision"], scores["f1"]) == (9, None, None, None)
        assert "9 rows" in scores["reason"]


def test_classes_recomputed(run: Finished, plain: Plain) -> None:
    correct, label = plain.correct("oracle"), plain.label["test"]
    for number, name in enumerate(run.record["labels"]):
        scores = run.record["oracle"]["per_class"][name]
        assert scores["n"] == (label == number).sum() == 30
        assert scores["recall"] == pytest.approx(correct[label == number].mean())


def test_neurons_of_sets(run: Finished, plain: Plain) -> None:
    dead = {(int(a), int(b)) for a, b in json.loads((run.folder / "selection.json").read_text())["record"]["dead"]}
    for found in run.record["minimal_sets"]:
        ids = [tuple(n) for n in found["neurons"]]
        assert len(ids) == len(set(ids)) == found["size"]
        assert all(0 <= layer < 3 and 0 <= index < 16 for layer, index in ids)
        assert not dead & set(ids)
        order = plain.tensors["scaler.neurons"][plain.tensors[f"ranking.{found['ranking']}.order"]].tolist()
        assert found["neurons"] == order[: found["size"]]  # the ranking's top
    assert run.record["dead"] == len(dead)


def test_dead_neurons_are_in_no_set(run: Finished) -> None:
    """A neuron that does not move over train is named, and neither ranked nor chosen."""
    train, validation = run.store.read("train"), run.store.read("validation")
    train.values[:, [3, 20]] = 1.5
    found = select(selection_data(train, validation), quick())
    assert found.scaler.dead == ((0, 3), (1, 4))
    chosen = {tuple(n) for r in found.rankings for n in r.neurons.tolist()}
    assert len(chosen) == 46
    assert not chosen & {(0, 3), (1, 4)}


def scores_with_intervals(value: Any) -> list[tuple[float, list[float]]]:
    if isinstance(value, list):
        return [pair for v in value for pair in scores_with_intervals(v)]
    if not isinstance(value, dict):
        return []
    found = [pair for v in value.values() for pair in scores_with_intervals(v)]
    if "interval" in value:
        key = next(k for k in ("test", "score", "value", "selectivity") if k in value)
        found.append((value[key], value["interval"]))
    return found


def test_intervals_hold_their_scores(run: Finished) -> None:
    pairs = scores_with_intervals(run.record)
    curve_points = sum(p["ranking"] != "random" for p in run.record["curves"])
    # Two metrics of oracle, lookup and two sets; oracle, lookup, layer 0; unseen: oracle, lookup, seen, gain;
    # selectivity four times; layers twice; clusters; curves; two sets and the pipeline with two losses each; the front.
    many = curve_points + len(run.record["clusters"]) + len(run.record["pareto"])
    assert len(pairs) == 2 * 4 + 3 + 4 + 4 + 2 * 3 + 12 + many
    for value, (low, high) in pairs:
        assert low <= value <= high
        assert low < high


def test_headline_carries_its_control(run: Finished) -> None:
    found = run.record["minimal_sets"][0]
    but = "but a table of the tokens' texts does as well as all neurons"  # words of this data set come again
    within = found["test_loss"]["interval"][1] <= found["delta"]
    for part in (f"{found['size']} {'stay within' if within else 'of 48 neurons'}", but):
        assert part in run.summary.headline
    (random,) = (e["figures"] for e in run.record["trust"] if e["key"] == "random")
    need = found["random_size"]
    assert random.startswith(f"{found['size']} against {need['median']:g} ({need['lo']} to {need['hi']})")
    frame = run.summary.to_frame()
    assert frame["ranking"].to_list() == ["lca", "probeless"]
    assert frame["size"].to_list() == [s["size"] for s in run.record["minimal_sets"]]
    assert run.summary.headline in html.unescape(run.summary._repr_html_())


def test_at_chance_nothing_is_claimed() -> None:
    run = finished_at_chance()
    record = run.record
    for key in ("minimal_sets", "layer_selector", "pipeline", "pareto"):
        assert record[key] is None
        assert record[f"{key}_reason"] == record["minimal_sets_reason"]
    assert record["oracle"]["interval"][0] <= record["baselines"]["majority"]
    assert "majority" in record["minimal_sets_reason"]
    assert record["headline"] == f"Nothing can be said: {record['minimal_sets_reason']}."
    assert run.summary.to_frame().is_empty()


@pytest.mark.parametrize("finish", [finished, finished_published])
def test_test_split_is_read_once_and_last(finish: Callable[[], Finished]) -> None:
    """Also where the published study's choices, which look at it, are computed too."""
    assert finish().reads.count(("test", True)) == 1
    assert finish().reads[:3] == (("train", False), ("validation", False), ("test", True))


def test_selection_never_opens_test(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = quick()
    data = read_data(config)
    folder = RunFolder(tmp_path, config, data.hashes)
    store = extract_stage(config, data, folder)
    for get in (ActivationStore.read, ActivationStore.table, ActivationStore.units):
        with pytest.raises(LookupError, match="test rows are not opened here"):
            get(RedundancyStudy(config, store, folder).store, "test")
    read, table = ActivationStore.read, ActivationStore.table

    def guarded(self: ActivationStore, split: Split, *args: Any) -> Activations:
        assert split != "test"
        return read(self, split, *args)

    def guarded_table(self: ActivationStore, split: Split) -> Any:
        assert split != "test"
        return table(self, split)

    monkeypatch.setattr(ActivationStore, "read", guarded)
    monkeypatch.setattr(ActivationStore, "table", guarded_table)
    for shard in store.manifest.shards:
        if shard["split"] == "test":
            (tmp_path / "activations" / shard["values"]).unlink()
            (tmp_path / "activations" / shard["rows"]).unlink()
    # without data: untrained copies read the code, not the store
    found = choose(RedundancyStudy(config, store, folder))
    assert found.selection.sets
    assert found.pipeline.candidates
    assert found.controls.control


@pytest.mark.parametrize("finish", [finished, finished_published, finished_at_chance])
def test_what_a_run_returns_is_what_its_folder_holds(finish: Callable[[], Finished]) -> None:
    """Made now or read later: equal in every value and type, marks of the file among them."""
    made = finish()
    assert load_summary(made.folder) == made.summary
    assert made.summary.sha256 == made.record["sha256"]


def test_saved_stages_are_the_stages(run: Finished, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is read back is what was chosen; nothing is fitted again, and no row is read."""
    data = read_data(run.config)
    work = RedundancyStudy(run.config, run.store, RunFolder(run.folder, run.config, data.hashes), data)
    monkeypatch.setattr(ActivationStore, "read", None)
    found = choose(work)
    loaded = Selection.from_archive(Archive.load(work.folder.files, "selection"))
    assert [s.size for s in loaded.sets] == [s["size"] for s in run.record["minimal_sets"]]
    assert np.array_equal(found.selection.oracle.probe.weights.numpy(), loaded.oracle.probe.weights.numpy())
    assert found.layers.incremental[-1].validation == found.selection.oracle.probe.validation
    assert isinstance(found.untrained, tuple)
    assert [c.seed for c in found.untrained] == run.record["baselines"]["untrained_model"]["seeds"]
    assert lasting(run.record) == lasting(to_json(run.summary))
