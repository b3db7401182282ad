"""Options are valid whoever builds them: a class that is called and a study file refuse in the same line."""

from typing import Any

import pytest

from neurosieve.data.limits import Limits
from neurosieve.errors import ConfigError
from neurosieve.studies.config import RowCounts, StudyConfig, make_config
from neurosieve.studies.option_models import ConceptOptions, FinetuneOptions, InterventionOptions, Options
from tests.tiny import assert_one_line

BASE: dict[str, Any] = {"model": "m", "data": "d"}


def line(kind: Any, **values: Any) -> str:
    with pytest.raises(ConfigError) as caught:
        kind(**values)
    assert_one_line(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("values", "part"),
    [
        ({"rankings": ("nonsense",)}, "ranking 'nonsense'"),
        ({"task": "token-taging"}, "did you mean token-tagging?"),
        ({"labels": "lexcal"}, "label scheme 'lexcal'"),
        ({"corpus": "bugz"}, "corpus name 'bugz'"),
        ({"modle": "m"}, "did you mean model?"),
        ({"seed": "many"}, "option seed: expected a valid integer"),
        ({"site": "heads"}, "option site: expected 'hidden', 'mlp' or 'attention', got 'heads'"),
        ({"thresholds": (1.5,)}, "option thresholds"),
        ({"deltas": ()}, "option deltas"),
        ({"classes": (1, 2)}, "put it in quotes"),
        ({"rows": {"train": 0}}, "option rows.train"),
        ({"concepts": {"tokens": (1, 0, 1)}}, "option concepts.tokens"),
        ({"concepts": {"view": ("detect",)}}, "option concepts.view"),
        ({"limits": {"rows": 0}}, "option limits.rows"),
        ({"data": ""}, "give --data"),
        ({"activations": "x.npz"}, "none with --activations"),
        ({"max_windows": 1}, "option max_windows"),
        ({"corpus": "wrong-operator", "task": "clone-detection"}, "with --corpus wrong-operator"),
        ({"corpus": "wrong-operator", "labels": "lexical"}, "none with --corpus"),
        ({"target": "values"}, "option target"),
    ],
)
def test_study_is_refused_alike_on_all_ways(values: dict[str, Any], part: str) -> None:
    direct = line(StudyConfig, **BASE | values)
    assert part in direct
    assert direct == line(StudyConfig.model_validate, obj=BASE | values)
    assert direct == line(make_config, options=BASE | values)


def test_study_without_a_model() -> None:
    assert "give --model" in line(StudyConfig)


@pytest.mark.parametrize(
    ("kind", "section", "values"),
    [
        (RowCounts, "rows", {"train": 0}),
        (RowCounts, "rows", {"trian": 5}),
        (ConceptOptions, "concepts", {"tokens": (0, 1, 1)}),
        (ConceptOptions, "concepts", {"views": ("predict",)}),
        (ConceptOptions, "concepts", {"min_rows": 1}),
        (ConceptOptions, "concepts", {"language": 3}),
    ],
)
def test_part_of_a_study_is_refused_as_below_it(kind: type[Options], section: str, values: dict[str, Any]) -> None:
    (key,) = values
    alone, below = line(kind, **values), line(StudyConfig, **BASE | {section: values})
    assert f"option {section}.{key}: " in alone
    assert alone.split(";")[0] == below.split(";")[0]  # each names its own help


def test_parts_that_were_built_are_taken_as_they_are() -> None:
    concepts, rows, limits = ConceptOptions(min_rows=50), RowCounts(train=7), Limits(rows=9, characters=9, bytes=9)
    config = StudyConfig(model="m", data="d", concepts=concepts, rows=rows, limits=limits)
    assert (config.concepts, config.rows, config.limits) == (concepts, rows, limits)
    assert config == make_config(options=config.model_dump(mode="json"))


def test_corpus_brings_its_task_and_data() -> None:
    config = StudyConfig(model="m", corpus="wrong-operator")
    assert config == make_config(options={"model": "m", "corpus": "wrong-operator"})
    assert (config.task, config.data) == ("defect-detection", "stdlib")


@pytest.mark.parametrize(
    ("values", "parts"),
    [
        ({"edit": "ablate"}, ("option concept", "expected a value, got none")),
        ({"concept": "a=b"}, ("option edit", "expected a value, got none")),
        ({"concept": "a=b", "edit": "remove"}, ("option edit", "'remove'")),
        ({"concept": "a=b", "edit": "ablate", "alpha": 3.0}, ("option alpha", "none with ablate: it belongs to steer")),
        ({"concept": "a=b", "edit": "steer", "sets": 1}, ("option sets", "20")),
        ({"concept": "a=b", "edit": "steer", "share": 1.0}, ("option share",)),
        ({"concept": "a=b", "edit": "steer", "shares": 0.1}, ("option shares",)),
    ],
)
def test_intervention_options(values: dict[str, Any], parts: tuple[str, ...]) -> None:
    told = line(InterventionOptions, **values)
    assert all(part in told for part in (*parts, "neurosieve intervene --help"))


@pytest.mark.parametrize(
    ("key", "value"),
    [("epochs", 0), ("rate", -1.0), ("batch", 0), ("patience", 0), ("epochs", "few"), ("epoch", 1), ("batch", 1.5)],
)
def test_finetune_options(key: str, value: Any) -> None:
    told = line(FinetuneOptions, **{key: value})
    assert f"option {key}: " in told
    assert "neurosieve finetune --help" in told


def test_options_do_not_change() -> None:
    with pytest.raises(ValueError, match="frozen"):
        FinetuneOptions().epochs = 2
