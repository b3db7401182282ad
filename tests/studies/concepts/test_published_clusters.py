"""Published clusters in a study: a property of its tokens, beside its own clusters and the names that people give."""

from pathlib import Path
from typing import Any

import pytest

from neurosieve.concepts.latent.sheets import Answer, read_conceptnet, write_conceptnet
from neurosieve.errors import DataError
from neurosieve.explorer.annotation import CutSheet, agreement
from neurosieve.explorer.cluster_pages import clusters_page
from neurosieve.explorer.open_run import OpenRun
from neurosieve.report.latent import published_table
from neurosieve.report.saved_files import Found, tables_of
from neurosieve.results.latent_clusters import LatentClusters, PublishedAgreement
from neurosieve.results.measured import NotMeasured
from neurosieve.studies.concepts.run import load_concepts, run_concepts
from neurosieve.studies.config import StudyConfig
from tests.concepts.planted import code
from tests.data import put
from tests.shared import HOME, once
from tests.studies import quick
from tests.tiny import assert_one_line

ASKED: dict[str, Any] = {"language": "python", "properties": ["lexical"], "tokens": [2000, 800, 2000], "min_rows": 5}
ASKED |= {"views": ["detect"], "groups": [], "evidence": 0, "sizes": [1], "untrained": False}
ASKED |= {"clusters": [8], "latent_layers": [1]}


def config(**more: Any) -> StudyConfig:
    files: dict[str, str | bytes] = {f"{s}/{i}.py": code((s, i)) for s in ("train", "valid", "test") for i in range(3)}
    return quick(data=str(put(HOME / "published-code", files)), labels="lexical", concepts=ASKED | more)


@once
def published() -> Path:
    """Labelled clusters of another study of the same files; one means nothing. Not to be changed."""
    run_concepts(config(), HOME / "published-first")
    sheet = HOME / "published-first" / "concepts" / "annotate" / "layer-1-clusters-8.json"
    tokens, _ = read_conceptnet(sheet)
    answers = {c: Answer("No" if c == 3 else "Yes", (f"Label {c // 2}",)) for c in tokens}
    write_conceptnet(HOME / "CodeConceptNet.json", tokens, answers)
    return HOME / "CodeConceptNet.json"


@once
def folder() -> Path:
    """A study with them. Not to be changed."""
    run_concepts(config(concept_net=str(published()), rewrites=["layout"]), HOME / "published-run")
    return HOME / "published-run"


def cut() -> tuple[LatentClusters, PublishedAgreement]:
    result = load_concepts(folder())
    assert result is not None
    assert result.latent is not None
    assert not isinstance(result.latent, NotMeasured)
    (own,) = result.latent
    assert own.published is not None
    return own, own.published


def test_labels_are_a_property_like_any_other() -> None:
    """Train tokens are found by place, those of other files by word; aligned, read again in rewritten files."""
    result = load_concepts(folder())
    assert result is not None
    names = {c.name for c in result.views["detect"].concepts}
    assert {"concept-net=label 0", "lexical=number"} <= names
    (note,) = [note for note in result.notes if note.startswith("concept-net: ")]
    assert " by published line and place, " in note
    assert not note.startswith("concept-net: 0 tokens")
    assert "concept-net" in {p.property_name for p in cut()[0].alignment.properties}
    assert result.stability is not None
    assert any(n.value.startswith("concept-net=") for n in result.stability.neurons)


def test_clusters_agree_with_the_labels_they_gave() -> None:
    """The same clusters with some labels merged: by word alone held-out tokens agree less, but above chance."""
    own, agreed = cut()
    assert agreed.named >= 6
    assert agreed.tokens + agreed.left_out == own.rows["test"]
    assert agreed.interval is not None
    assert agreed.interval[0] > 0
    (row,) = published_table([own]).rows
    assert row[:3] == ("1", "8", str(agreed.named))
    result = load_concepts(folder())
    assert tables_of(Found(None, result))["latent-published"].rows == (row,)
    assert "Clusters beside published labels" in (folder() / "report.html").read_text()
    assert clusters_page(OpenRun(folder(), "run")).tables["published"].rows == (row,)


def test_labels_are_an_annotator_beside_people() -> None:
    """Cohen's kappa of a person with the published labels, from the answers that the study wrote."""
    sheet = CutSheet(folder(), cut()[0])
    said = sheet.answers()["concept-net"]
    assert len(said) >= 6
    assert {label for a in said.values() for label in a.labels} <= {f"label {i}" for i in range(4)}
    person = {c: a if c % 2 else Answer("Yes", ("other",)) for c, a in said.items()}
    labels = [k for k in agreement({"concept-net": said, "person": person}) if k.field == "Labels"]
    assert {k.method for k in labels} == {"cohen", "fleiss"}
    assert all(k.n == len(said) and k.value is not None and k.value < 1 for k in labels)


def test_without_them_nothing_is_said(tmp_path: Path) -> None:
    published()
    result = load_concepts(HOME / "published-first")
    assert result is not None
    assert isinstance(result.latent, tuple)
    assert result.latent[0].published is None
    assert published_table(result.latent).rows == ()
    assert not (HOME / "published-first" / "concepts" / "annotate" / "answers").exists()
    with pytest.raises(DataError) as caught:
        run_concepts(config(concept_net=str(tmp_path / "none.json")), tmp_path / "run")
    assert_one_line(caught.value, "none.json", "a readable file")
    assert not (tmp_path / "run" / "concepts").exists()
