"""The set that is claimed for a value is edited where that is asked for."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from neurosieve.errors import ConfigError
from neurosieve.results.concepts import ConceptResult
from neurosieve.results.neuron_set import NeuronSet
from neurosieve.studies.finished import read_concepts_of
from neurosieve.studies.interventions import run as module
from neurosieve.studies.interventions.run import intervene
from neurosieve.typing import NeuronId
from tests.report.test_set_tables import few as set_of
from tests.studies import finished_concepts
from tests.studies.interventions.edited import CONCEPT, options
from tests.tiny import assert_one_line


def test_a_claimed_set_is_edited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a file of its own; where no set is claimed, one line says so and nothing is written."""
    asked, run = options(claimed=True), Path(shutil.copytree(finished_concepts(), tmp_path / "run"))
    concepts = read_concepts_of(run)
    assert concepts is not None
    concept = concepts[CONCEPT, "predict"]

    def with_set(lacking: str) -> ConceptResult:
        few = replace(set_of(2, 0.9, lacking=lacking), neurons=NeuronSet([(1, 3), (2, 5)]))
        view = concepts.views["predict"]
        changed = tuple(replace(c, sets=(few,)) if c is concept else c for c in view.concepts)
        return replace(concepts, views={**concepts.views, "predict": replace(view, concepts=changed)})

    monkeypatch.setattr(module, "read_concepts_of", lambda _: with_set("AP 0.70 < 0.8"))
    with pytest.raises(ConfigError) as caught:
        intervene(run, asked)
    assert_one_line(caught.value, f"set of {CONCEPT}", "--claimed")
    assert not (run / "interventions" / asked.file).exists()
    monkeypatch.setattr(module, "read_concepts_of", lambda _: with_set(""))
    result = intervene(run, asked)
    assert (run / "interventions" / asked.file).exists()
    assert set(result.neurons) <= {NeuronId(1, 3), NeuronId(2, 5)}
    assert "set that is claimed" in result.chosen_by
