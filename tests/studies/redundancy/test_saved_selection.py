"""The selection stage's outcome, written and read back."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neurosieve.probes import selection_data
from neurosieve.probes.archive import Archive
from neurosieve.redundancy import minimal_set
from neurosieve.storage.folder import Folder
from neurosieve.studies.redundancy.selection import Selection, select
from tests.studies import finished_quick, quick


def round_trip(selection: Selection, folder: Path) -> Selection:
    files = Folder(folder)
    selection.archive().save(files, "selection")
    return Selection.from_archive(Archive.load(files, "selection"))


@pytest.mark.parametrize("options", [{"deltas": [0.8, 0.9]}, {"select": ["point", "safe"], "deltas": [0.9]}])
def test_sets_of_one_size(options: dict[str, Any], tmp_path: Path) -> None:
    """Two questions with the same answer share a probe; both are saved."""
    run, config = finished_quick(), quick(**options)
    data = selection_data(run.store.read("train"), run.store.read("validation"))
    loaded = round_trip(select(data, config), tmp_path)
    assert [s.size for s in loaded.sets] == [1] * 4
    for ranking in ("lca", "probeless"):
        first, second = (s.probe.feature for s in loaded.sets if s.ranking == ranking)
        assert np.array_equal(first, second)


def test_set_of_all_neurons(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where every neuron is needed, the set's probe is the oracle's, and the random orders' too."""
    monkeypatch.setattr(minimal_set, "smallest", lambda total, _, **__: total)
    run, config = finished_quick(), quick()
    data = selection_data(run.store.read("train"), run.store.read("validation"))
    loaded = round_trip(select(data, config), tmp_path)
    assert [s.size for s in loaded.sets] == [len(data.neurons)] * 2
    assert np.array_equal(loaded.sets[0].probe.weights.numpy(), loaded.oracle.probe.weights.numpy())
