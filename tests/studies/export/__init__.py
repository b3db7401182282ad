"""Compact models of a finished run that tests share."""

import functools
import tempfile
from pathlib import Path
from typing import Any

import pytest

from neurosieve.studies.export.run import Exported, export
from neurosieve.studies.export.run_probes import Way, ways
from neurosieve.studies.export_options import ExportOptions
from tests.studies import copy_run

_HOME = tempfile.TemporaryDirectory(prefix="exports-")


@functools.cache
def exported(form: str) -> Exported:
    """The quick run's model in one form; not to be changed."""
    options = ExportOptions.model_validate({"form": form})
    with pytest.MonkeyPatch.context() as patch:
        measured_little(patch)
        return export(exported_run(), Path(_HOME.name) / form, options)


@functools.cache
def exported_run() -> Path:
    """The quick run that they were made of, which keeps what was measured."""
    return copy_run(Path(_HOME.name))


def blocks_needed(patch: pytest.MonkeyPatch) -> None:
    """Ways in full have blocks, though the embeddings alone would do of the quick run."""

    def some(*given: Any) -> list[Way]:
        return [way for way in ways(*given) if way.point.form == "table" or way.point.blocks]

    patch.setattr("neurosieve.studies.export.choosing.ways", some)


def measured_little(patch: pytest.MonkeyPatch) -> None:
    """Few calls, and no process that measures memory: tests are about what is told, not about the figures."""
    for name, value in {"SINGLES": 3, "BATCHES": 1, "ROUNDS": 1, "_SET_ASIDE": 0}.items():
        patch.setattr(f"neurosieve.compact.measuring.{name}", value)
    patch.setattr("neurosieve.compact.measuring._peak", lambda *_: 1.0)
