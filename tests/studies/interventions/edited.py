"""Runs with concepts to intervene in, and the options of small interventions."""

from pathlib import Path
from typing import Any

import numpy as np

from neurosieve.studies.concepts.run import run_concepts
from neurosieve.studies.config import make_config
from neurosieve.studies.option_models import InterventionOptions
from tests.studies import CONCEPTS
from tests.tiny import tiny_model

CONCEPT = "lexical=number"


def options(edit: str = "ablate", **more: Any) -> InterventionOptions:
    values = {"concept": CONCEPT, "edit": edit, "sets": 20, "tokens": 3000, "share": 0.2}
    if edit in ("steer", "erase"):
        del values["share"]
    return InterventionOptions.model_validate(values | more)


def code_run(name: str, folder: Path) -> Path:
    """Concepts of lines in which a number comes after each `=`, and nowhere else; without a study of their labels."""
    data = folder / "code"
    data.mkdir(parents=True)
    for i in range(30):
        words = np.random.default_rng(i).choice(["ab", "cd", "ef", "gh"], 8)
        (data / f"m{i}.py").write_text("".join(f"{word} = {n * 7 % 10}\n" for n, word in enumerate(words)))
    concepts = CONCEPTS | {"tokens": [400, 150, 300]}
    values = {"model": str(tiny_model(name)), "data": str(data), "labels": "lexical", "device": "cpu", "bootstrap": 100}
    run_concepts(make_config(options=values | {"concepts": concepts}), folder / "run")
    return folder / "run"
