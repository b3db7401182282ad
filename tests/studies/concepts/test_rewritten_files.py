"""Rewrites in a study of concepts: asked for later, and of files that cannot be rewritten."""

from pathlib import Path
from typing import Any

import pytest

from neurosieve.errors import DataError, RunFolderError
from neurosieve.studies.concepts import run as module
from neurosieve.studies.concepts.run import continue_concepts, load_concepts, run_concepts
from tests.concepts.planted import code
from tests.data import put
from tests.studies.concepts.test_concept_study import forbidden, sources
from tests.tiny import assert_one_line

REWRITES = ["renamed", "comments"]
SMALL: dict[str, Any] = {"groups": [], "clusters": [4], "evidence": 0, "latent_layers": [1], "untrained": False}


def test_rewrites_may_be_asked_for_later(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What was found before stays and is not made again; the outcome is that of a run with all at once."""
    config = sources(tmp_path / "data", **SMALL)
    before = run_concepts(config, tmp_path / "run")
    assert before.stability is None
    with monkeypatch.context() as patch:
        patch.setattr(module, "find_concept_sets", forbidden)
        later = continue_concepts(tmp_path / "run", {"rewrites": REWRITES})
    stable = later.stability
    assert stable is not None
    assert list(stable.files) == REWRITES
    assert all(why.startswith("1 of 2 files: rewrite ") for why in stable.left_out.values())
    assert stable.tokens == later.views["detect"].rows["test"]
    assert {c.clusters for c in stable.clusters} == {4}
    assert later.views == before.views
    assert load_concepts(tmp_path / "run") == continue_concepts(tmp_path / "run", {}) == later
    at_once = run_concepts(sources(tmp_path / "data", **SMALL, rewrites=REWRITES), tmp_path / "once")
    assert at_once.stability == stable
    assert 'id="stability"' in (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    with pytest.raises(RunFolderError) as caught:
        continue_concepts(tmp_path / "run", {"rewrites": ["layout"]})
    assert_one_line(caught.value, "rewrites ['renamed', 'comments'] → ['layout']", "start again")


def test_test_files_that_cannot_be_rewritten(tmp_path: Path) -> None:
    """One line before the model is read; the same folder goes on without rewrites."""
    broken = {f"test/{i}.py": code(i)[:300] + "\ndef f(:\n" for i in (0, 1)}
    config = sources(tmp_path / "data", **SMALL, rewrites=REWRITES)
    put(tmp_path / "data", dict(broken))
    with pytest.raises(DataError) as caught:
        run_concepts(config, tmp_path / "run")
    assert_one_line(caught.value, "rewrites", "test files that parse", "2 of 2 files", "leave --rewrites out")
    assert not (tmp_path / "run" / "concepts").exists()
    plain = config.model_copy(update={"concepts": config.concepts.model_copy(update={"rewrites": ()})})
    assert run_concepts(plain, tmp_path / "run").stability is None


def test_rewrites_of_a_run_without_a_store(tmp_path: Path) -> None:
    """Later, and without the option: what is needed is read then."""
    config = sources(tmp_path / "data", **SMALL)
    run_concepts(config, tmp_path / "run", no_store=True)
    later = continue_concepts(tmp_path / "run", {"rewrites": REWRITES})
    at_once = run_concepts(sources(tmp_path / "data", **SMALL, rewrites=REWRITES), tmp_path / "once")
    assert later.stability == at_once.stability
    assert later.views == at_once.views
