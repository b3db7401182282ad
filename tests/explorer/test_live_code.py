"""Pasted code against the model itself, edits by hand, and answers of people."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import neurosieve as ns
from neurosieve.concepts.latent.annotators import annotator_agreement
from neurosieve.concepts.latent.sheets import read_conceptnet
from neurosieve.errors import ConfigError, ModelError, ResourceError

pytest.importorskip("fastapi", reason="the extra serve is not installed")
from neurosieve.explorer import live_code
from neurosieve.explorer.annotation import agreement_table
from neurosieve.explorer.live_code import LiveModel
from neurosieve.explorer.live_pages import neurons_of
from neurosieve.explorer.server import open_all
from neurosieve.storage.folder import Folder
from neurosieve.storage.records import read_object
from neurosieve.typing import NeuronId
from tests.explorer import CLUSTERS, client_of, explored_run, post
from tests.studies import copy_run

RUN, CODE = "/runs/run", "def f(x):\n    return ((x + 12"  # does not parse
NEURONS = (NeuronId(1, 3), NeuronId(2, 5))


@pytest.fixture(scope="module")
def live() -> LiveModel:
    return LiveModel(open_all([explored_run()]).runs["run"])


@pytest.fixture(scope="module")
def client() -> Any:
    return client_of(explored_run())


def test_values_are_those_of_the_study(live: LiveModel) -> None:
    ours, theirs = live.read(CODE, NEURONS), ns.load(explored_run()).read(CODE, NEURONS)
    assert ours.spans == theirs.spans
    np.testing.assert_allclose(ours.values, theirs.values, atol=1e-6)


@pytest.mark.parametrize("edit", ["mean", "zero", "raise"])
def test_an_edit_moves_what_it_should(live: LiveModel, edit: Any) -> None:
    effect = live.edit(CODE, NEURONS, edit)
    assert [p.token for p in effect.predictions] == sorted_tokens()
    assert effect.random_sets == live_code.DRAWS
    assert any(p.true_before != p.true_after for p in effect.predictions)
    assert all(0 <= p.true_after <= 1 for p in effect.predictions)
    again = live.edit(CODE, NEURONS, edit)
    assert again == effect  # nothing stays in the model
    assert len(effect.to_frame()) == len(effect.predictions)


def sorted_tokens() -> list[str]:
    return ["def", "f", "(", "x", ")", ":", "return", "(", "(", "x", "+", "12"]


def test_the_held_values_are_the_columns(live: LiveModel) -> None:
    train = ns.load(explored_run()).store if False else None
    del train
    (low, high) = (live._edits(_set(NEURONS[:1]), kind)[0].values.item() for kind in ("mean", "raise"))  # type: ignore[attr-defined]
    column = live.run.columns().columns.column(NEURONS[0])
    assert low == pytest.approx(column.mean)
    assert high == pytest.approx(column.mean + 3 * column.sd)


def _set(neurons: Any) -> Any:
    return ns.NeuronSet(neurons)


@pytest.mark.parametrize(
    ("code", "neurons"), [("x" * 9000, NEURONS), ("x", [NeuronId(0, i) for i in range(11)]), ("x", [NeuronId(9, 0)])]
)
def test_limits(live: LiveModel, code: str, neurons: Any) -> None:
    with pytest.raises(ConfigError):
        live.read(code, neurons)


def test_who_waits_too_long_is_told(live: LiveModel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_code, "WAIT", 0.01)
    with live._lock, pytest.raises(ResourceError):
        live.read("x = 1", NEURONS)
    assert live.read("x = 1", NEURONS).tokens


def test_an_encoder_promotes_nothing(live: LiveModel) -> None:
    with pytest.raises(ModelError):
        live.promoted(NEURONS[0])


@pytest.mark.parametrize(
    ("text", "neurons"), [("0:39, 1:5", [(0, 39), (1, 5)]), ("L4/12", [(4, 12)]), (" 1:2;3:4 ", [(1, 2), (3, 4)])]
)
def test_neurons_as_people_write_them(text: str, neurons: list[tuple[int, int]]) -> None:
    assert neurons_of(text) == neurons


@pytest.mark.parametrize("text", ["", "x", "1", "1:2:3", "-1:2", "1:-2", "1:2 x"])
def test_what_is_no_neuron(text: str) -> None:
    with pytest.raises(ConfigError):
        neurons_of(text)


def test_the_page_shows_code_that_does_not_parse(client: Any) -> None:
    page = post(client, f"{RUN}/live", code=CODE, neurons="1:3", edit="zero")
    assert page.status_code == 200
    assert "class='high-7'" in page.text
    assert "Predictions before and after the edit" in page.text
    record = post(client, f"{RUN}/live.json", code=CODE, neurons="1:3", edit="zero").json()
    assert [p["token"] for p in record["effect"]["predictions"]] == sorted_tokens()
    rows = post(client, f"{RUN}/live.csv", code=CODE, neurons="1:3", edit="").text.splitlines()
    assert rows[0] == "token,1:3"
    for bad in ({"neurons": "9:9"}, {"neurons": "x"}, {"code": ""}, {"edit": "burn"}):
        answer = post(client, f"{RUN}/live", **{"code": "<b>", "neurons": "1:3", "edit": "", **bad})
        assert answer.status_code == 422
        assert "<b>" not in answer.text.partition('id="result"')[2]


def test_a_model_that_is_gone_is_said(tmp_path: Path) -> None:
    run = copy_run(tmp_path)
    client = client_of(run)
    text = (run / "study.yaml").read_text(encoding="utf-8")
    model = ns.load(run).config.model
    for path in run.glob("*.json"):
        path.unlink()  # they are marked with the study that they are of
    (run / "study.yaml").write_text(text.replace(f"model: {model}", f"model: {tmp_path}/gone"), encoding="utf-8")
    (run / "explorer" / "rows.json").unlink()
    client = client_of(run)
    assert client.get(f"{RUN}/neurons/1/3").status_code == 200
    answer = post(client, f"{RUN}/live", code="x = 1", neurons="1:3", edit="")
    assert answer.status_code == 422
    assert f"{tmp_path}/gone" in answer.text
    assert "x = 1" in answer.text


@pytest.fixture
def named(tmp_path: Path) -> tuple[Path, Any]:
    run = Path(shutil.copytree(explored_run(), tmp_path / "run"))
    return run, client_of(run)


def test_answers_of_two_people(named: tuple[Path, Any]) -> None:
    """Saved in the run as the tool of the field has them, read back by the next server, and compared."""
    run, client = named
    place = f"{RUN}/clusters/1/{CLUSTERS}"
    said = {("ann", 0): ("Yes", "numbers"), ("ann", 1): ("No", ""), ("bob", 0): ("Yes", "Numbers, digits"),
            ("bob", 1): ("Yes", "words")}  # fmt: skip
    for (who, cluster), (meaningful, labels) in said.items():
        answer = post(client, f"{place}/{cluster}", annotator=who, meaningful=meaningful, labels=labels)
        assert (answer.status_code, answer.headers["location"]) == (303, f"{place}/{cluster}")
    post(client, f"{place}/1", annotator="ann", meaningful="No", labels="mixed , words")  # she thought again
    folder = run / "concepts" / "annotate" / "answers" / f"layer-1-clusters-{CLUSTERS}"
    files = {path.stem: read_conceptnet(path)[1] for path in folder.iterdir()}
    assert files["ann"][1].labels == ("mixed", "words")
    assert files["bob"][0].labels == ("Numbers", "digits")
    saved = read_object(Folder(folder.parent), f"{folder.name}-agreement.json")
    assert saved is not None
    kappas = annotator_agreement(files, draws=10)
    assert [(k["field"], k["value"]) for k in saved["agreement"]] == [(k.field, k.value) for k in kappas]
    again = client_of(run)
    assert "Numbers, digits" in again.get(f"{place}/0").text
    rows = again.get(f"{place}.json").json()["tables"]["agreement"]["rows"]
    assert [(r[0], r[1]) for r in rows] == [(k.field, k.method) for k in kappas]
    assert rows[0][4] == f"{kappas[0].observed:.2f}"


@pytest.mark.parametrize(
    "fields",
    [{"annotator": "../evil"}, {"annotator": ""}, {"annotator": "a" * 41}, {"annotator": ".x"},
     {"meaningful": "Perhaps"}, {"labels": "x" * 300}, {"labels": ",".join("abcdefghijkl")}, {"annotator": "a/b"},
     {"annotator": "a\0"}],
)  # fmt: skip
def test_an_answer_that_is_refused_leaves_nothing(named: tuple[Path, Any], fields: dict[str, str]) -> None:
    run, client = named
    before = sorted(run.rglob("*"))
    given = {"annotator": "ann", "meaningful": "Yes", "labels": "x"} | fields
    answer = post(client, f"{RUN}/clusters/1/{CLUSTERS}/0", **given)
    assert answer.status_code == 422
    assert 'role="alert"' in answer.text
    assert sorted(run.rglob("*")) == before


def test_one_person_agrees_with_nobody() -> None:
    assert not agreement_table({"ann": {}}).rows
