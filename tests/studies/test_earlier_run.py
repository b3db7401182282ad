"""`earlier_run`, a run folder of the version before results had types: it opens, shows itself and stays as it is."""

import json
import shutil
from pathlib import Path

import pytest

import neurosieve as ns
from neurosieve.errors import RunFolderError
from neurosieve.report.figures import CHARTS
from neurosieve.results import to_json
from neurosieve.results.interventions import TaskEffect
from neurosieve.results.redundancy import FRAMES
from neurosieve.storage.folder import Folder
from neurosieve.storage.records import read_study
from neurosieve.studies.config import make_config
from neurosieve.studies.run_folder import RunFolder, config_of
from tests.cli import ran
from tests.studies import contents

EARLIER = Path(__file__).parent / "earlier_run"
EDITS = ("ablate", "erase", "steer")


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return Path(shutil.copytree(EARLIER, tmp_path / "run"))


def test_files_are_written_as_they_were() -> None:
    """Load, then save: the same bytes."""
    study = ns.load(EARLIER)
    parts = {"summary.json": study.result, "concepts.json": study.concepts()}
    parts |= {f"interventions/lexical=number-{e}.json": r for e, r in zip(EDITS, study.interventions, strict=True)}
    for name, part in parts.items():
        assert json.dumps(to_json(part), indent=1, ensure_ascii=False) == (EARLIER / name).read_text("utf-8"), name
    assert set(parts) | {"study.yaml"} == set(contents(EARLIER))


def test_figures_are_those_of_the_files() -> None:
    study = ns.load(EARLIER)
    assert study.headline.startswith("97.9 % of 48 neurons can go: 1 stay within 30 points")
    assert (study.oracle.test.n, len(study.minimal_sets), study.minimal_sets[0].neurons[0]) == (60, 2, (0, 13))
    assert study.concepts()["lexical=identifier"].claimed == ()
    assert [(edit.edit, edit.claimed) for edit in study.interventions] == [(edit, False) for edit in EDITS]
    assert isinstance(study.interventions[0].probe, TaskEffect)
    assert "sets of properties: lexical" in str(study.neuron(0, 13))


def test_all_of_it_can_be_shown(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = contents(run)
    study = ns.load(run)
    for name in (*FRAMES, "concepts", "interventions"):
        assert study.to_frame(name).width, name
    for name in (*CHARTS, "effects", "rivals-detect"):
        assert study.plot(name).table.rows, name
    assert ran(capsys, "report", str(run)).code == 0
    page = (run / "report.html").read_text(encoding="utf-8")
    assert all(part in page for part in (study.minimal_sets[0].ranking, "lexical=number", "steer", "erase"))
    assert contents(run) == before | {"report.html": page.encode()}


def test_train_rows_of_earlier_versions_are_drawn_as_then(run: Path) -> None:
    """Their study.yaml does not say how; what is exported or edited later reads the same rows again."""
    assert config_of(run).draw == make_config(study=run / "study.yaml").draw == "units"
    assert make_config(options={"model": "m", "data": "d"}).draw == "lines"
    assert config_of(run).untrained_precision == "model"
    hashes = read_study(Folder(run))["data_hashes"]
    RunFolder(run, config_of(run), hashes)
    with pytest.raises(RunFolderError, match="draw 'units' → 'lines'"):
        RunFolder(run, config_of(run).model_copy(update={"draw": "lines"}), hashes)
