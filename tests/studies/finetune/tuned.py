"""Small labelled code to fine-tune tiny models on."""

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

from neurosieve.studies.config import StudyConfig, make_config
from neurosieve.studies.option_models import FinetuneOptions
from tests.studies import write_data
from tests.tiny import tiny_model

FAST = FinetuneOptions(epochs=2, rate=3e-3, batch=8)


def examples(folder: Path) -> dict[str, Any]:
    """A hundred functions; the label is the sign in them."""
    for split, count in (("train", 60), ("valid", 20), ("test", 20)):
        rows = [{"func": f"def f{split}{i}(a): return a {'+-'[i % 2]} {i}", "target": i % 2} for i in range(count)]
        (folder / f"{split}.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))
    return {"task": "defect-detection"}


def pairs(folder: Path) -> dict[str, Any]:
    rng = random.Random(0)
    for split, count in (("train", 60), ("valid", 20), ("test", 20)):
        rows = [
            {
                "doc": f"{split} {'plus' if i % 2 else 'minus'} {i}",
                "code": f"a {rng.choice('+-')} {i}{split}",
                "label": i % 2,
            }
            for i in range(count)
        ]
        (folder / f"{split}.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))
    return {"task": "code-search"}


def tokens(folder: Path) -> dict[str, Any]:
    write_data(folder)
    return {"task": "token-tagging", "classes": ["NUM", "SIGN"]}


TASKS: tuple[Callable[[Path], dict[str, Any]], ...] = (examples, pairs, tokens)


def config(folder: Path, task: Callable[[Path], dict[str, Any]], model: str = "roberta", **more: Any) -> StudyConfig:
    data = folder / "data"
    data.mkdir(exist_ok=True)
    values = {"model": str(tiny_model(model)), "data": str(data), "device": "cpu", "bootstrap": 100}
    return make_config(options=values | task(data) | more)
