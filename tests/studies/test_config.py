"""The study record: YAML, options over it, `key=value` over both, and refusals in one line."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from neurosieve.errors import ConfigError
from neurosieve.models import KNOWN
from neurosieve.studies.config import StudyConfig, make_config
from tests.tiny import assert_one_line

BASE: dict[str, Any] = {"model": "m", "data": "d"}


def write_yaml(folder: Path, value: Any) -> Path:
    path = folder / "study.yaml"
    path.write_text(value if isinstance(value, str) else yaml.safe_dump(value), encoding="utf-8")
    return path


def refused(*parts: str, **sources: Any) -> None:
    with pytest.raises(ConfigError) as caught:
        make_config(**sources)
    assert_one_line(caught.value, *parts)
    assert caught.value.exit_code == 2


def test_defaults() -> None:
    config = make_config(options=BASE)
    assert config.rows.by_split() == {"train": 2000, "validation": 270, "test": 340}
    assert (config.task, config.deltas, config.select, config.rankings) == (
        "token-tagging",
        (0.01,),
        ("safe",),
        ("lca", "probeless"),
    )
    assert (config.random_draws, config.bootstrap, config.precision) == (10, 2000, "float32")
    assert (config.control_draws, config.disjoint_splits, config.untrained_seeds) == (5, 10, 3)
    assert (config.protocol, config.general_rows, config.activations) == ("sound", "balanced", None)
    assert config.cuts == config.thresholds == (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
    assert config.pipeline_pairs == ((0.005, 0.01), (0.01, 0.01))
    assert config.pipeline_thresholds == (None, 0.3)
    assert not config.trust_remote_code
    assert not config.allow_pickle
    assert config.lambdas >= 12


def test_pipeline_brings_its_thresholds_and_follows_the_first_delta() -> None:
    config = make_config(options=BASE | {"thresholds": [0.6], "pipeline_thresholds": [None, 0.2], "deltas": [0.1, 0.5]})
    assert config.cuts == (0.2, 0.6)
    assert config.pipeline_pairs == ((0.05, 0.1), (0.1, 0.1))
    given = make_config(options=BASE, pairs=["pipeline_deltas=[[0.02, 0.05]]"])
    assert given.pipeline_pairs == ((0.02, 0.05),)


def test_activations_stand_for_model_and_data() -> None:
    assert make_config(options={"activations": "x.hdf5"}).activations == "x.hdf5"
    for key in BASE:
        refused(f"option {key}", "none with --activations", options={key: "m", "activations": "x"})


def test_later_sources_win(tmp_path: Path) -> None:
    path = write_yaml(tmp_path, BASE | {"seed": 1, "bootstrap": 100, "max_tokens": 20, "rows": {"train": 5, "test": 6}})
    options = {"seed": 2, "bootstrap": 200, "device": None}
    config = make_config(study=path, options=options, pairs=["seed=3", "rows.train=7", "max-tokens=30"])
    assert (config.seed, config.bootstrap, config.max_tokens, config.device) == (3, 200, 30, "auto")
    assert config.rows.by_split() == {"train": 7, "validation": 270, "test": 6}


def test_options_that_were_not_given_leave_the_file_alone(tmp_path: Path) -> None:
    path = write_yaml(tmp_path, BASE | {"seed": 5})
    assert make_config(study=path, options=dict.fromkeys(StudyConfig.model_fields)).seed == 5


def test_last_pair_wins() -> None:
    assert make_config(options=BASE, pairs=["seed=3", "seed=4"]).seed == 4


def test_pairs_hold_lists_and_equal_signs() -> None:
    config = make_config(options=BASE, pairs=["deltas=[0.01, 0.02]", "classes=[A=B, C]", "data=a=b"])
    assert (config.deltas, config.classes, config.data) == ((0.01, 0.02), ("A=B", "C"), "a=b")


def test_options_are_not_changed() -> None:
    options = BASE | {"rows": {"train": 5}}
    make_config(options=options, pairs=["rows.train=9"])
    assert options == BASE | {"rows": {"train": 5}}


def test_same_study_from_all_sources(tmp_path: Path) -> None:
    values = BASE | {"seed": 4, "deltas": [0.05], "rows": {"train": 9, "validation": 8, "test": 7}}
    pairs = ["model=m", "data=d", "seed=4", "deltas=[0.05]", "rows.train=9", "rows.validation=8", "rows.test=7"]
    config = make_config(options=values)
    assert config == make_config(study=write_yaml(tmp_path, values)) == make_config(pairs=pairs)
    assert config == make_config(options=config.model_dump(mode="json"))


def test_config_is_frozen() -> None:
    config = make_config(options=BASE)
    with pytest.raises(ValueError, match="frozen"):
        config.seed = 1


@pytest.mark.parametrize(
    ("key", "near"), [("modle", "model"), ("delta", "deltas"), ("batch-token", "batch_tokens"), ("row.train", "rows")]
)
def test_unknown_key_names_the_nearest(key: str, near: str, tmp_path: Path) -> None:
    refused(f"did you mean {near}?", options=BASE, pairs=[f"{key}=1"])
    name = key.replace("-", "_").split(".")[0]
    refused(f"'{name}'", f"did you mean {near}?", study=write_yaml(tmp_path, BASE | {name: 1}))
    refused(f"'{name}'", f"did you mean {near}?", options=BASE | {name: 1})


def test_unknown_inner_key_names_the_nearest() -> None:
    refused("rows.trian", "did you mean", "train", options=BASE, pairs=["rows.trian=5"])


@pytest.mark.parametrize("pair", ["deltas=[0.1, '0.2", "x: y", "=3", "seed"])
def test_pair_that_is_none(pair: str) -> None:
    refused("--set", pair, options=BASE, pairs=[pair])


@pytest.mark.parametrize(
    ("values", "parts"),
    [
        ({"task": "token-taging"}, ("task 'token-taging'", "did you mean token-tagging?")),
        ({"labels": "lexcal"}, ("label scheme 'lexcal'", "did you mean lexical?")),
        ({"labels": "zzz"}, ("label scheme 'zzz'", "identifier-role, lexical")),
        ({"rankings": ["lca", "lcaa"]}, ("ranking 'lcaa'", "did you mean lca?")),
    ],
)
def test_unknown_names(values: dict[str, Any], parts: tuple[str, ...]) -> None:
    refused(*parts, options=BASE | values)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("seed", "many"),
        ("seed", 1.5),
        ("seed", -1),
        ("seed", 2**63),
        ("deltas", 0.01),
        ("deltas", []),
        ("deltas", [0]),
        ("deltas", [1.0]),
        ("deltas", [-0.01]),
        ("deltas", [0.01, float("nan")]),
        ("deltas", ["much"]),
        ("rankings", []),
        ("rankings", "lca"),
        ("select", []),
        ("select", ["best"]),
        ("classes", "IDENT"),
        ("classes", [1, 2]),
        ("rows", 5),
        ("rows", {"train": 0}),
        ("rows", {"train": "all"}),
        ("thresholds", [1.5]),
        ("thresholds", [-0.1]),
        ("thresholds", ["half"]),
        ("pipeline_thresholds", [None, 2]),
        ("layer_deltas", []),
        ("layer_deltas", [1.0]),
        ("control_draws", -1),
        ("disjoint_splits", -1),
        ("untrained_seeds", -1),
        ("protocol", "fair"),
        ("general_rows", "some"),
        ("lambdas", 11),
        ("random_draws", 9),
        ("bootstrap", 0),
        ("batch_tokens", 0),
        ("max_tokens", 0),
        ("precision", "float64"),
        ("dtype", "int8"),
        ("pooling", "max"),
        ("straddle", "keep"),
        ("keep_overlap", "maybe"),
        ("validation_from_train", 1.0),
        ("model", None),
        ("model", ["a", "b"]),
        ("task", 5),
        ("labels", ["lexical"]),
    ],
)
def test_bad_value_names_the_option(key: str, value: Any, tmp_path: Path) -> None:
    refused(f"option {key}", study=write_yaml(tmp_path, BASE | {key: value}))


@pytest.mark.parametrize("key", ["model", "data"])
def test_missing_value_names_the_option(key: str) -> None:
    refused(f"option {key}", f"--{key}", options={k: v for k, v in BASE.items() if k != key})


@pytest.mark.parametrize(
    "content", ["", "- a\n- b\n", "just text", "model: [a\n  b: c", "model: m\n\tdata: d\n", "a: b: c", "? [x]\n: y\n"]
)
def test_study_file_that_is_none(content: str, tmp_path: Path) -> None:
    refused(study=write_yaml(tmp_path, content))


def test_unreadable_study_file(tmp_path: Path) -> None:
    refused("missing.yaml", study=tmp_path / "missing.yaml")
    refused(str(tmp_path), study=tmp_path)
    path = tmp_path / "latin.yaml"
    path.write_bytes(b"model: caf\xe9\n")
    refused("latin.yaml", study=path)


@pytest.mark.parametrize("value", ["2026-13-45", "7" * 5000, "[" * 2000])
def test_values_that_python_cannot_make(value: str, tmp_path: Path) -> None:
    refused("study file", "readable YAML", study=write_yaml(tmp_path, f"model: {value}\n"))
    refused("--set", "a YAML value", options=BASE, pairs=[f"model={value}"])


@pytest.mark.parametrize("key", ["1", "null", "2026-11-29", "true", "1.5"])
def test_keys_that_are_no_texts(key: str, tmp_path: Path) -> None:
    refused(study=write_yaml(tmp_path, f"model: m\n{key}: 3\n"))
    refused(study=write_yaml(tmp_path, f"model: m\nrows: {{{key}: 3}}\n"))


def test_yaml_makes_no_objects(tmp_path: Path) -> None:
    refused("study file", study=write_yaml(tmp_path, "model: !!python/object/apply:os.getcwd []\n"))
    refused("--set", options=BASE, pairs=["model=!!python/object/apply:os.getcwd []"])


PUBLISHED = Path(__file__).resolve().parents[2] / "examples" / "published"
STUDIED = ("bert", "codebert", "graphcodebert", "unixcoder", "roberta", "codegpt-java", "codegpt-py")
STUDIED_TASKS = ("token-tagging", "defect-detection", "clone-detection", "code-search")


@pytest.mark.parametrize("task", STUDIED_TASKS)
@pytest.mark.parametrize("name", STUDIED)
def test_published_study_files(name: str, task: str) -> None:
    """One file for each cell of the published table, with a model that is known by name."""
    path = PUBLISHED / f"{name}-{task}.yaml"
    config = make_config(study=path)
    known = {m.name.lower(): m for m in KNOWN}[name]
    assert (config.model, config.task, config.protocol, config.site) == (known.hub, task, "published", "hidden")
    assert config.layer_deltas == (0.01, 0.02, 0.03)
    assert config.keep_overlap == (task == "clone-detection")
    assert config.pooling == {"token-tagging": "mean"}.get(task, "first" if known.kind == "encoder" else "last")
    assert f"{path.name} --out" in path.read_text(encoding="utf-8")


def test_published_study_has_no_other_files() -> None:
    assert {p.stem for p in PUBLISHED.iterdir()} == {f"{n}-{t}" for n in STUDIED for t in STUDIED_TASKS}


@pytest.mark.parametrize(
    ("options", "key"),
    [
        ({"task": "token-tagging", "max_windows": 1}, "max_windows"),
        ({"task": "token-tagging", "pair_input": "joint"}, "pair_input"),
        ({"task": "defect-detection", "pair_input": "joint"}, "pair_input"),
    ],
)
def test_options_of_other_tasks(options: dict[str, Any], key: str) -> None:
    refused(f"option {key}", "clone-detection", str(options["task"]), options=BASE | options)
    make_config(options=BASE | options | {"task": "code-search"})


@pytest.mark.parametrize("value", ["yes", "0", "1.5", "2026-11-28"])
def test_what_yaml_takes_for_no_text_is_to_be_quoted(value: str, tmp_path: Path) -> None:
    study = tmp_path / "study.yaml"
    study.write_text(f"model: m\ndata: d\nclasses: [a, {value}]\n")
    with pytest.raises(ConfigError, match=r"option classes\.1: expected a text, got .*; put it in quotes"):
        make_config(study=study)
    study.write_text(f"model: m\ndata: d\nclasses: [a, '{value}']\n")
    assert make_config(study=study).classes == ("a", value)
