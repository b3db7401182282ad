"""Every page in its three forms: what it says is what the run holds, and each link leads somewhere."""

import csv
import io
import json
import re
import shutil
from html import unescape
from pathlib import Path
from typing import Any

import pytest

import neurosieve as ns
from neurosieve.cli import main
from neurosieve.errors import NeurosieveError
from neurosieve.report.evidence import COLUMN_KINDS
from neurosieve.report.neuron import profile_tables
from tests.tiny import assert_one_line

pytest.importorskip("fastapi", reason="the extra serve is not installed")
from neurosieve.explorer.server import open_all
from tests.explorer import CLUSTERS, client_of, explored_run, post
from tests.studies import copy_run

RUN = "/runs/run"
PAGES = (
    "",
    "/layers/0",
    "/layers/1?order=lca",
    "/neurons/1/3",
    "/neurons/1/3?label=lexical%3Dnumber",
    "/neurons/0/0/tokens/4",
    "/properties",
    "/properties/lexical=number",
    "/sets",
    "/sets/task/0",
    "/sets/property/lexical",
    "/clusters",
    f"/clusters/1/{CLUSTERS}",
    f"/clusters/1/{CLUSTERS}/0",
    "/modules",
    "/search?q=number",
    "/search?q=L1/3",
    "/live",
)


@pytest.fixture(scope="module")
def client() -> Any:
    return client_of(explored_run())


@pytest.fixture(scope="module")
def study() -> ns.Study:
    return ns.load(explored_run())


def in_form(address: str, ending: str) -> str:
    path, mark, query = address.partition("?")
    return f"{RUN}{path}{ending}{mark}{query}"


@pytest.mark.parametrize("address", PAGES)
def test_a_page_in_three_forms(client: Any, address: str) -> None:
    page = client.get(in_form(address, ""))
    assert page.status_code == 200
    assert page.text.count("<h1>") == 1
    assert "<script>" not in page.text
    assert " style=" not in page.text
    record = client.get(in_form(address, ".json"))
    assert record.status_code == 200
    assert unescape(re.findall(r"<h1>(.*?)</h1>", page.text)[0]) == record.json()["title"]
    for name, table in record.json()["tables"].items():
        link = in_form(address, ".csv")
        text = client.get(f"{link}{'&' if '?' in link else '?'}table={name}")
        assert text.headers["content-type"].startswith("text/csv")
        rows = list(csv.reader(io.StringIO(text.text)))
        assert rows[0] == [c.lstrip("'") for c in table["columns"]] or rows[0] == table["columns"]
        assert len(rows) == len(table["rows"]) + 1
    wrong = client.get(in_form(address, ".csv"), params={"table": "nothing"})
    assert wrong.status_code == 404


def test_links_lead_somewhere(client: Any) -> None:
    """Two steps from the run's page, every address on the server answers."""
    seen, waiting = set[str](), [RUN]
    for _ in range(2):
        found = set[str]()
        for address in waiting:
            page = client.get(address)
            assert page.status_code in (200, 303), address
            links = re.findall(r"(?:href|src|action)=[\"'](/[^\"'#]*|\?[^\"'#]*)", page.text)
            found |= {f"{address.partition('?')[0]}{link}" if link[0] == "?" else link for link in map(unescape, links)}
        seen |= set(waiting)
        waiting = sorted(found - seen)[:150]
    for address in waiting:
        assert client.get(address).status_code in (200, 303, 409), address  # 409: what a model of this kind has not


def test_a_neuron_is_the_profile(client: Any, study: ns.Study) -> None:
    for neuron in list(study.minimal_sets[0].neurons)[:3]:
        profile = study.neuron(*neuron)
        record = client.get(f"{RUN}/neurons/{neuron.layer}/{neuron.index}.json").json()
        assert record["ranks"] == dict(profile.ranks)
        assert record["claimed"] == list(profile.claimed)
        assert len(record["tables"]["properties"]["rows"] if profile.concepts else []) == len(profile.concepts)
        page = client.get(f"{RUN}/neurons/{neuron.layer}/{neuron.index}").text
        assert page.count("<pre class='code'>") >= 10


def test_a_notebook_and_a_terminal_show_the_same_card(client: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """Of a neuron that no result names, too."""
    for neuron in ((1, 3), (0, 0)):
        profile = ns.load(explored_run()).neuron(*neuron)
        tables = client.get(f"{RUN}/neurons/{neuron[0]}/{neuron[1]}.json").json()["tables"]
        for name, table in profile_tables(profile).items():
            assert [list(row) for row in table.rows] == tables[name]["rows"]
        assert profile.column is not None
        highest = profile.column.tokens["highest"][0].token
        assert f"{highest.value:+.1f} sd" in profile._repr_html_()
        with pytest.raises(SystemExit) as ended:
            main(["neuron", str(explored_run()), f"{neuron[0]}:{neuron[1]}"])
        assert ended.value.code == 0
        said = capsys.readouterr().out
        assert COLUMN_KINDS["lowest"] in said
        assert f"{highest.value:+.1f} sd" in said


def test_a_notebook_shows_results_alone_before(tmp_path: Path) -> None:
    run = copy_run(tmp_path)
    assert ns.load(run).neuron(1, 3).column is None
    client_of(run)
    assert ns.load(run).neuron(1, 3).column is not None
    shutil.rmtree(run / "activations")  # the files stand for themselves
    assert ns.load(run).neuron(1, 3).column is not None
    assert "Highest values" in client_of(run).get(f"{RUN}/neurons/1/3").text
    (run / "explorer" / "layer-001.safetensors").unlink()
    assert ns.load(run).neuron(1, 3).column is None


def test_layers_are_in_the_order_of_a_ranking(client: Any, study: ns.Study) -> None:
    frame = study.to_frame("rankings").filter(ns_layer := (_col("layer") == 1)).sort("lca")
    del ns_layer
    rows = client.get(f"{RUN}/layers/1.json?order=lca").json()["tables"]["neurons"]["rows"]
    assert [row[0] for row in rows[: len(frame)]] == [f"1:{i}" for i in frame["index"].to_list()]


def _col(name: str) -> Any:
    import polars as pl

    return pl.col(name)


@pytest.mark.parametrize(
    ("query", "link"),
    [
        ("L1/3", "/neurons/1/3"),
        ("1:3", "/neurons/1/3"),
        (" l1.3 ", "/neurons/1/3"),
        ("L1", "/layers/1"),
        ("number", "/properties/lexical=number"),
    ],
)
def test_search_finds_pages(client: Any, query: str, link: str) -> None:
    found = client.get(f"{RUN}/search.json", params={"q": query}).json()["links"]
    assert f"{RUN}{link}" in [one["address"] for one in found]


def test_search_finds_code_and_the_neurons_of_a_token(client: Any) -> None:
    built = open_all([explored_run()]).runs["run"].columns()
    word = built.rows.token(int(built.columns.values_at(1, "strongest")[3]))
    found = client.get(f"{RUN}/search.json", params={"q": word}).json()
    assert ["1:3", "strongest", word] in found["tables"]["neurons"]["rows"]
    text = built.rows.text_of(0)[2:9]
    assert "line 1</p>" in client.get(f"{RUN}/search", params={"q": text}).text
    assert "Nothing fits" in client.get(f"{RUN}/search", params={"q": "\0no such code"}).text


@pytest.mark.parametrize(
    "address",
    ["/neurons/9/0", "/neurons/0/999999", "/neurons/a/0", "/neurons/-1/0", "/neurons/0/1e3", "/neurons/٣/0",
     "/layers/7", "/layers/0?page=0", "/layers/0?page=99", "/layers/0?page=x", "/layers/0?order=nothing",
     "/neurons/0/0?label=x", "/neurons/0/0/tokens/99999999", "/properties/x=y", "/sets/task/99", "/sets/property/x",
     "/clusters/0/9", f"/clusters/1/{CLUSTERS}/99", "/nothing", "/neurons/0/0.xml", "/neurons/0"],
)  # fmt: skip
def test_what_is_not_there_is_one_line(client: Any, address: str) -> None:
    answer = client.get(RUN + address)
    assert answer.status_code == 404
    assert answer.text.count("<p>") == 3  # the line, the way back, the foot
    assert "Traceback" not in answer.text


def test_an_unknown_run_is_not_opened(client: Any) -> None:
    for address in ("/runs/other", "/runs/..%2fother", "/runs/%2e%2e%2f/layers/0", "/comparisons/x", "/runs/other/live",
                    "/comparisons/x.json", "/comparisons/x/report"):  # fmt: skip
        assert client.get(address).status_code == 404


def test_the_report_is_served_under_its_own_policy(client: Any) -> None:
    answer = client.get(f"{RUN}/report")
    assert "sha256-" in answer.headers["content-security-policy"]
    assert "</html>" in answer.text


def test_two_runs_and_a_comparison(tmp_path: Path) -> None:
    again = copy_run(tmp_path / "other")
    compared = tmp_path / "compared"
    ns.compare(explored_run(), again, out=compared)
    client = client_of(explored_run(), again, compared)
    home = client.get("/").text
    assert "/runs/run-2" in home
    assert client.get("/runs/run-2").status_code == 200
    assert [row[0] for row in client.get("/runs.json").json()["tables"]["runs"]["rows"]] == ["run", "run-2"]
    assert client.get("/runs.csv").text.splitlines()[1].startswith("run,")
    assert "/comparisons/compared/report" in client.get("/comparisons/compared").text
    record = client.get("/comparisons/compared.json").json()
    names = [side["name"] for side in record["comparison"]["runs"]]
    assert names == [row[0] for row in record["tables"]["runs"]["rows"]]
    assert client.get("/comparisons/compared.csv?table=verdicts").text.startswith("runs,")
    assert "sha256-" in client.get("/comparisons/compared/report").headers["content-security-policy"]
    assert client_of(again).get("/").headers["location"] == RUN


def test_hostile_texts_are_texts(tmp_path: Path) -> None:
    """Labels, tokens and file names that would be markup."""
    run = tmp_path / "<script>alert(1)</script>"
    shutil.copytree(explored_run(), run)
    client_of(run)  # builds
    record = json.loads((run / "explorer" / "rows.json").read_text(encoding="utf-8"))
    bad = "<img src=x onerror=alert(1)>"
    record["texts"] = [f"{bad}{i}" for i in range(len(record["texts"]))]
    record["properties"]["lexical"] = [f"{bad}{i}" for i in range(len(record["properties"]["lexical"]))]
    del record["sha256"]
    (run / "explorer" / "rows.json").write_text(json.dumps(record), encoding="utf-8")
    client = client_of(run)
    base = client.get("/").headers["location"]
    for address in (
        "",
        "/neurons/1/3",
        "/layers/1",
        "/neurons/1/3/tokens/2",
        "/search?q=%3Cimg",
        "/search?q=%3Cscript%3E",
    ):
        text = client.get(base + address).text
        assert "<img" not in text
        assert "<script>" not in text
    assert "&lt;img" in client.get(f"{base}/neurons/1/3").text


def test_a_folder_without_results(tmp_path: Path) -> None:
    run = copy_run(tmp_path)
    shutil.rmtree(run / "activations")
    (run / "summary.json").unlink()
    with pytest.raises(NeurosieveError) as caught:
        open_all([run])
    assert_one_line(caught.value)
    with pytest.raises(NeurosieveError) as caught:
        open_all([tmp_path / "nowhere"])
    assert "study.yaml" in str(caught.value)
    with pytest.raises(NeurosieveError):
        open_all([])


def test_results_without_activations_and_activations_without_results(tmp_path: Path) -> None:
    run = copy_run(tmp_path / "a")
    shutil.rmtree(run / "activations")
    client = client_of(run)
    assert "no activations" in client.get(f"{RUN}/neurons/0/1").text
    assert client.get(f"{RUN}/neurons/0/1/tokens/0").status_code == 404
    assert post(client, f"{RUN}/live", code="x = 1", neurons="0:1", edit="zero").status_code == 422
    run = copy_run(tmp_path / "b")
    for path in run.glob("*.json"):
        path.unlink()
    client = client_of(run)
    assert "not studied yet" in client.get(RUN).text
    assert client.get(f"{RUN}/neurons/0/1").status_code == 200
    assert client.get(f"{RUN}/report").status_code == 404
