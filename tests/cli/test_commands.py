"""Every command does its job, prints it for people or as JSON alone, and shows examples in its help."""

import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

import neurosieve
from neurosieve.activations.store import ActivationStore
from neurosieve.data.readers import stdlib
from neurosieve.models import KNOWN
from neurosieve.studies import inputs as inputs_module
from neurosieve.studies.redundancy import choose as choose_module
from neurosieve.studies.redundancy import run as run_module
from tests.cli import Ended, one_line_error, options, ran
from tests.studies import FASTEST, FEW, data_folder, finished_quick, lasting, quick
from tests.tiny import tiny_model

Capture = pytest.CaptureFixture[str]
COMMANDS = ("run", "redundancy", "report", "neuron", "extract", "plan", "demo", "models", "modules", "tasks")


def forbidden(*_: Any, **__: Any) -> None:
    raise AssertionError("work that was not asked for")


def test_help_lists_the_commands(capsys: Capture) -> None:
    ended = ran(capsys, "--help")
    assert ended.code == 0
    for name in COMMANDS:
        assert name in ended.out
    assert ran(capsys, "-h").out == ended.out


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_examples(command: str, capsys: Capture) -> None:
    ended = ran(capsys, command, "--help")
    assert ended.code == 0
    head, _, examples = ended.out.partition("Examples:")
    assert head.strip()
    assert f"neurosieve {command}" in examples
    assert ended.err == ""


@pytest.mark.parametrize("command", ["run", "extract", "plan"])
def test_help_explains_the_options(command: str, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    text = ran(capsys, command, "--help").out
    for option in ("--model", "--data", "--classes", "--rows", "--seed", "--set", "--json", "--allow-pickle", "--out"):
        assert option in text
    assert "pickled weights, which can run code" in text


def test_version(capsys: Capture) -> None:
    assert ran(capsys, "--version") == Ended(0, f"{neurosieve.__version__}\n", "")


def test_no_command_shows_help(capsys: Capture) -> None:
    ended = ran(capsys)
    assert ended.code == 2
    assert "Usage" in ended.out + ended.err


def test_models(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    text = ran(capsys, "models").out
    assert all(m.hub in text and m.name in text for m in KNOWN)
    listed = ran(capsys, "models", "--json").json
    assert [m["hub"] for m in listed] == [m.hub for m in KNOWN]


def test_tasks(capsys: Capture) -> None:
    text = ran(capsys, "tasks").out
    assert all(part in text for part in ("token-tagging", "lexical", "identifier-role", "--corpus", "renamed-clone"))
    listed = ran(capsys, "tasks", "--json").json
    whole = {"defect-detection", "clone-detection", "code-search", "sequence-classification"}
    assert set(listed["tasks"]) == {"token-tagging"} | whole
    assert set(listed["label_schemes"]) == {"lexical", "identifier-role"}
    assert {corpus["task"] for corpus in listed["corpora"].values()} == whole - {"sequence-classification"}


def test_plan_writes_nothing_and_loads_no_weights(
    capsys: Capture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(inputs_module, "load_model", forbidden)
    out = tmp_path / "run"
    cost = ran(capsys, "plan", *options(out=out), "--json").json
    assert cost["rows"] == {split: 3 * count for split, count in FEW.items()}
    assert (cost["layers"], cost["width"], cost["missed_units"]) == (3, 16, 0)
    assert cost["store_bytes"] == 4 * 48 * 3 * sum(FEW.values())
    assert cost["flops"] > 2 * cost["parameters"] * cost["tokens"] > 0
    assert all(seconds > 0 for seconds in cost["seconds"].values())
    text = ran(capsys, "plan", *options(out=out)).out
    for part in ("3 layers × 16 = 48", "train 120", "TFLOP", "MiB", "time here", f"· {cost['notes'][0]}"):
        assert part in text
    assert not list(tmp_path.iterdir())


def test_plan_counts_the_weights_of_the_blocks(capsys: Capture) -> None:
    """BERT's block of width 16 with 32 inner units, counted by hand, twice, with the norm and the pooler."""
    block = 4 * (16 * 16 + 16) + 2 * 16 * 32 + 32 + 16 + 2 * 2 * 16
    assert ran(capsys, "plan", *options(), "--json").json["parameters"] == 2 * block + 2 * 16 + (16 * 16 + 16)


def test_plan_takes_a_decoder(capsys: Capture) -> None:
    cost = ran(capsys, "plan", *options(model=tiny_model("gpt2")), "--json").json
    assert (cost["layers"], cost["width"]) == (3, 16)


def test_run_for_people(capsys: Capture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "300")
    ended = ran(capsys, "run", *options(out=tmp_path))
    record = json.loads((tmp_path / "summary.json").read_text(encoding="utf-8"))
    assert ended.code == 0
    assert ended.err == ""
    assert record["headline"] in ended.out
    assert f"{100 * record['oracle']['test']:.1f} %" in ended.out
    for part in ("token lookup", "layer 0 alone", "majority class", "random neuron", str(tmp_path / "report.html")):
        assert part in ended.out
    for part in ("How far to trust it", "untrained copies, 1 seed"):
        assert part in ended.out
    for entry in record["trust"]:
        assert re.search(rf"^{entry['answer']} +{re.escape(entry['question'].partition(' (')[0])}", ended.out, re.M)
    assert len(ended.out.splitlines()) <= 25
    assert "\x1b" not in ended.out
    assert lasting(record) == lasting(finished_quick().record)
    assert ran(capsys, "run", *options(out=tmp_path)).out == ended.out  # finished: the same again


def test_extract_then_run_as_json(capsys: Capture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = lasting(finished_quick().record)  # made before anything is forbidden
    ended = ran(capsys, "extract", *options(out=tmp_path / "run"), "--json")
    assert (ended.code, ended.err, ended.json["complete"]) == (0, "", True)
    assert not (tmp_path / "run" / "summary.json").exists()
    monkeypatch.setattr(inputs_module, "extract", forbidden)
    ended = ran(capsys, "run", *options(out=tmp_path / "run"), "--json")
    assert (ended.code, ended.err) == (0, "")
    assert lasting(ended.json) == expected
    assert ran(capsys, "run", *options(out=tmp_path / "run"), "--json") == ended


def test_extract_then_redundancy(capsys: Capture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes the options that the extraction was begun with, and goes on in the same folder."""
    expected = lasting(finished_quick().record)  # made before anything is forbidden
    ran(capsys, "extract", *options(out=tmp_path))
    monkeypatch.setattr(inputs_module, "extract", forbidden)
    ended = ran(capsys, "redundancy", str(tmp_path), "--json")
    assert (ended.code, ended.err) == (0, "")
    assert lasting(ended.json) == expected
    monkeypatch.setenv("COLUMNS", "300")
    monkeypatch.setattr(run_module, "choose", forbidden)
    text = ran(capsys, "redundancy", str(tmp_path)).out  # finished: shown again
    assert ended.json["headline"] in text
    assert ran(capsys, "run", *options(out=tmp_path), "--json").json == ended.json


def test_redundancy_refuses_what_is_unfinished(
    capsys: Capture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No folder, no study, or an extraction that stopped half way: the command to run is named."""
    one_line_error(ran(capsys, "redundancy", str(tmp_path / "none")), "a study.yaml", "--out")
    assert not (tmp_path / "none").exists()
    ran(capsys, "extract", *options(out=tmp_path / "run"))
    manifest = tmp_path / "run" / "activations" / "manifest.json"
    store = ActivationStore(manifest.parent)
    store.manifest.complete = False
    store.save_manifest()
    monkeypatch.setattr(inputs_module, "load_model", forbidden)
    for there in (True, False):
        if not there:
            manifest.unlink()
        ended = ran(capsys, "redundancy", str(tmp_path / "run"))
        one_line_error(ended, str(tmp_path / "run"), "a finished extraction", "run `neurosieve extract`")
    assert sorted(p.name for p in (tmp_path / "run").iterdir()) == ["activations", "seconds.json", "study.yaml"]


@pytest.mark.parametrize("arguments", [[], ["run", "--activations", "x"], ["--activations", "x"]])
def test_redundancy_takes_a_run_or_activations(arguments: list[str], capsys: Capture) -> None:
    ended = ran(capsys, "redundancy", *arguments)
    assert (ended.code, ended.out) == (2, "")
    assert "--out" in ended.err
    assert "Traceback" not in ended.err


def test_extract_takes_the_options_of_run(capsys: Capture, tmp_path: Path) -> None:
    """`run` goes on only with the same options, so `extract` has to take them all."""
    ended = ran(capsys, "extract", *options(out=tmp_path, delta="0.3", select="point", rankings="lca"))
    assert ended.code == 0, ended.err


def test_extract_for_people(capsys: Capture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "300")
    text = ran(capsys, "extract", *options(out=tmp_path / "runs[small]")).out
    for part in ("3 layers × 16 neurons", "train 120", "self-check", f"store in {tmp_path}/runs[small]/activations"):
        assert part in text


def test_study_file_options_and_pairs(capsys: Capture, tmp_path: Path) -> None:
    """Options override the file, pairs override both."""
    path = tmp_path / "study.yaml"
    path.write_text(
        yaml.safe_dump(quick(seed=5, rows={"train": 9, "validation": 8, "test": 7}).model_dump(mode="json"))
    )
    cost = ran(capsys, "plan", str(path), "--json").json
    assert cost["rows"] == {"train": 27, "validation": 24, "test": 21}
    cost = ran(capsys, "plan", str(path), "--rows", "6,5,4", "--set", "rows.test=3", "--json").json
    assert cost["rows"] == {"train": 18, "validation": 15, "test": 9}
    cost = ran(capsys, "plan", str(path), "--classes", "NUM, SIGN", "--json").json
    assert cost["rows"] == {"train": 18, "validation": 16, "test": 14}


def test_run_at_chance_says_so(capsys: Capture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "300")
    ended = ran(capsys, "run", *options(data=data_folder(chance=True), out=tmp_path))
    assert ended.code == 0
    assert "Nothing can be said" in ended.out
    assert "smallest sets" not in ended.out


@pytest.mark.skipif(sys.platform == "win32", reason="no such key there")
def test_interrupt_is_one_line(capsys: Capture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(choose_module, "select", interrupted)
    one_line_error(ran(capsys, "run", *options(out=tmp_path)), "continues", code=130)


def test_demo(capsys: Capture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The demo's way with a tiny model in the shipped ones' place."""
    asked = []

    def tiny(scheme: str, model: str) -> Any:
        asked.append(model)
        classes = ["number", "string"] if scheme == "lexical" else ["call", "local"]
        return quick(data="stdlib", labels=scheme, classes=classes, **FASTEST)

    few = {split: " ".join(names.split()[:4]) for split, names in stdlib.FILES.items()}
    monkeypatch.setattr(stdlib, "FILES", few)
    monkeypatch.setattr(sys.modules["neurosieve.cli.app"], "demo_config", tiny)
    monkeypatch.setenv("COLUMNS", "200")
    ended = ran(capsys, "demo", "--out", str(tmp_path))
    assert (ended.code, ended.err) == (0, "")
    assert all(part in ended.out for part in ("lexical", "identifier-role", "oracle", "standard library"))
    lines = ended.out.rstrip().splitlines()
    assert lines[-3].startswith("A small model")
    assert "smaller and" in lines[-2]
    assert (tmp_path / "encoder" / "small" / "compact.json").is_file()
    assert ran(capsys, "demo", "--out", str(tmp_path)).out.splitlines()[-2:] == lines[-2:]  # it is not made again
    records = ran(capsys, "demo", "--out", str(tmp_path), "--json").json
    assert set(records) == {"lexical", "identifier-role"}
    for scheme, record in records.items():
        assert record == json.loads((tmp_path / "encoder" / scheme / "summary.json").read_text(encoding="utf-8"))
    ran(capsys, "demo", "--decoder", "--out", str(tmp_path), "--json")
    assert (tmp_path / "decoder" / "lexical" / "summary.json").is_file()
    assert asked == ["neurosieve/encoder"] * 6 + ["neurosieve/decoder"] * 2


@pytest.mark.slow
@pytest.mark.parametrize("options", [(), ("--decoder",)], ids=["encoder", "decoder"])
def test_demo_on_the_shipped_models(options: tuple[str, ...], capsys: Capture, tmp_path: Path) -> None:
    records = ran(capsys, "demo", *options, "--out", str(tmp_path), "--json").json
    for record in records.values():
        assert record["neurons"] == 1280
        assert record["oracle"]["converged"]
        assert record["unseen"]["natural"]["untrained"]["gain"]["interval"][0] > 0
        assert record["oracle"]["interval"][0] > record["baselines"]["majority"]
        assert record["minimal_sets"][0]["size"] < record["minimal_sets"][0]["random_size"]["median"]
    assert 0.9 < records["lexical"]["oracle"]["test"] <= 1
