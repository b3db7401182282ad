"""The result of a study and `summary.json`: real runs, files of earlier versions, and damaged ones."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from neurosieve.errors import RunFolderError
from neurosieve.results import NotMeasured, RedundancyResult, from_json, to_json
from neurosieve.results.measured import EARLIER
from neurosieve.results.redundancy_controls import FewHeldOut, UnseenRows
from neurosieve.results.redundancy_rankings import Published
from neurosieve.results.redundancy_sets import PipelineResult, PipelineSet, SmallestSet
from tests.studies import assert_file_holds_the_result, finished, finished_at_chance, finished_published, finished_quick
from tests.tiny import assert_one_line

FILE = "run/summary.json"
RUNS = {"sound": finished, "quick": finished_quick, "at chance": finished_at_chance, "published": finished_published}


def read(record: Any) -> RedundancyResult:
    return from_json(RedundancyResult, record, FILE)


def first_set(result: RedundancyResult) -> SmallestSet:
    assert isinstance(result.minimal_sets, tuple)
    return result.minimal_sets[0]


@pytest.mark.parametrize("run", RUNS)
def test_file_holds_the_result(run: str) -> None:
    """Runs of values and of pairs are held to this where they are made."""
    assert_file_holds_the_result(RUNS[run]().folder)


def test_figures_are_the_files() -> None:
    record = finished().record
    result, best = read(record), record["minimal_sets"][0]
    assert (result.oracle.test.value, result.oracle.test.interval) == (
        record["oracle"]["test"],
        tuple(record["oracle"]["interval"]),
    )
    assert (first_set(result).size, first_set(result).loss.interval) == (
        best["size"],
        tuple(best["test_loss"]["interval"]),
    )
    assert [tuple(neuron) for neuron in best["neurons"]] == list(first_set(result).neurons)
    natural, disjoint = result.unseen.natural, result.unseen.disjoint
    assert isinstance(natural, UnseenRows)
    assert natural.score.value == record["unseen"]["natural"]["score"]
    assert isinstance(disjoint, FewHeldOut)
    assert (disjoint.splits, disjoint.text) == tuple(record["unseen"]["disjoint"][key] for key in ("splits", "reason"))


def test_what_cannot_be_claimed_has_its_reason() -> None:
    record = finished_at_chance().record
    result = read(record)
    for part in (result.minimal_sets, result.layer_selector, result.pipeline, result.pareto):
        assert isinstance(part, NotMeasured)
        assert part.text == record["minimal_sets_reason"]


def test_choices_keep_their_numbers() -> None:
    """Sizes are whole numbers, scores are not."""
    published = read(finished_published().record).published
    assert isinstance(published, Published)
    kinds = {choice.figure: type(choice.published) for choice in published.choices}
    assert kinds["neurons"] is int
    assert kinds["oracle accuracy"] is float


def without(part: Any, *keys: str) -> None:
    for key in keys:
        part.pop(key, None)


def spreads(value: Any) -> list[dict[str, Any]]:
    """All spreads of a record."""
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    own = [value] if isinstance(value, dict) and {"lo", "median"} <= value.keys() and "ratio" not in value else []
    return own + [one for part in parts for one in spreads(part)]


def earlier(record: dict[str, Any]) -> dict[str, Any]:
    """As the first version with a report wrote it: no bounds, no measures besides the score, no hash."""
    old = copy.deepcopy(record)
    without(old, "site", "mistakes", "notes", "agreement", "stability", "agreement_reason", "stability_reason")
    without(old, "study_sha256", "sha256")
    for part in (old["oracle"], old["baselines"]["token_lookup"], *old["minimal_sets"]):
        without(part, "metrics")
    for part in (*old["minimal_sets"], old["pipeline"]):
        without(part, "size_range", "within", "p_outside", "unseen_natural", "unseen_natural_reason")
    for found in old["minimal_sets"]:
        without(found["random_same_size"], "loss")
        without(found["random_size"], "ratio_range")
    without(old["unseen"]["natural"]["seen"], "per_class")
    without(old["control"], "by_type", "by_type_reason")
    for kind in ("all", "seen", "minimal_set"):
        without(old["control"][kind], "majority")
    for part in spreads(old):
        without(part, "median")
    return old


def test_file_of_an_earlier_version() -> None:
    old = earlier(finished().record)
    result = read(old)
    assert to_json(result) == old
    assert json.loads(json.dumps(to_json(result))) == old
    best = first_set(result)
    assert best.within == best.unseen == best.size_range == best.random_size.ratio_range == EARLIER
    assert (best.metrics, best.random_same_size.loss, result.mistakes) == (None, None, None)
    assert isinstance(result.pipeline, PipelineResult)
    assert isinstance(result.pipeline.best, PipelineSet)
    assert result.pipeline.best.within == EARLIER
    assert result.agreement == result.stability == EARLIER


def lacking(*path: str | int) -> Callable[[Any], None]:
    def change(record: Any) -> None:
        *way, last = path
        for step in way:
            record = record[step]
        del record[last]

    return change


def changed(*path: str | int, to: Any) -> Callable[[Any], None]:
    def change(record: Any) -> None:
        *way, last = path
        for step in way:
            record = record[step]
        record[last] = to

    return change


NO_KEY = "expected a value, got no such key"
BAD: dict[str, tuple[Callable[[Any], None], str]] = {
    "later format": (changed("format", to=2), "format: expected 1, got 2"),
    "no headline": (lacking("headline"), f"headline: {NO_KEY}"),
    "no score": (lacking("oracle", "test"), f"oracle.test: {NO_KEY}"),
    "no interval": (lacking("minimal_sets", 0, "interval"), f"minimal_sets[0].interval: {NO_KEY}"),
    "no loss": (lacking("minimal_sets", 1, "test_loss", "value"), f"minimal_sets[1].test_loss.value: {NO_KEY}"),
    "no reason": (lacking("stability_reason"), f"stability_reason: {NO_KEY}"),
    "no inner reason": (lacking("unseen", "disjoint", "reason"), f"unseen.disjoint.reason: {NO_KEY}"),
    "no pipeline": (changed("pipeline", to=None), f"pipeline_reason: {NO_KEY}"),
    "no score of unseen rows": (
        changed("unseen", "natural", "score", to=None),
        "unseen.natural.score: expected a number, got null",
    ),
    "half a point": (lacking("curves", 0, "test"), f"curves[0].test: {NO_KEY}"),
    "unknown answer": (
        changed("trust", 0, "answer", to="maybe"),
        "trust[0].answer: expected yes or weakly or no or not measured, got 'maybe'",
    ),
    "text for a size": (changed("minimal_sets", 0, "size", to="6"), "minimal_sets[0].size: expected a whole number"),
    "layer alone": (changed("minimal_sets", 0, "neurons", 0, to=[1]), "neurons[0]: expected a list of 2, got one of 1"),
}


@pytest.mark.parametrize("case", BAD)
def test_damaged_file_is_named(case: str) -> None:
    change, line = BAD[case]
    record = copy.deepcopy(finished().record)
    change(record)
    with pytest.raises(RunFolderError) as caught:
        read(record)
    assert_one_line(caught.value, f"{FILE}: ", line, "delete the file")


def test_results_need_no_model_and_no_drawing() -> None:
    """A result opens where neither torch nor transformers nor vl_convert is."""
    import subprocess
    import sys

    import neurosieve

    package = Path(str(neurosieve.__file__)).parent
    code = f"""
import sys, types
package = types.ModuleType("neurosieve")
package.__path__ = [{str(package)!r}]
sys.modules["neurosieve"] = package
import neurosieve.results
print(sorted({{"torch", "transformers", "vl_convert"}} & set(sys.modules)))
"""
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == "[]"
