"""A run's figures once more in plain numpy: its rows from the store, its probes from the stage files."""

from dataclasses import dataclass

import numpy as np
from safetensors.numpy import load_file

from neurosieve.typing import SPLITS, Split
from tests.studies import Finished

PROBE_STAGES = ("selection", "layers", "clusters", "pipeline", "controls")


@dataclass(frozen=True)
class Plain:
    """The run's splits as numpy arrays, and its stages' tensors; another stage's are named `STAGE:TENSOR`."""

    values: dict[Split, np.ndarray]
    label: dict[Split, np.ndarray]
    text: dict[Split, list[str]]
    group: dict[Split, np.ndarray]
    tensors: dict[str, np.ndarray]

    def x(self, split: Split) -> np.ndarray:
        train = self.values["train"]
        standardised: np.ndarray = (self.values[split] - train.mean(0)) / train.std(0)
        return standardised

    def ids(self, probe: str) -> list[tuple[int, int]]:
        """(layer, index) of a probe's neurons."""
        chosen = self.tensors["scaler.neurons"][self.tensors[f"{probe}.feature"]]
        return [(int(layer), int(index)) for layer, index in chosen]

    def predicted(self, probe: str, split: Split = "test") -> np.ndarray:
        feature, weights = self.tensors[f"{probe}.feature"], self.tensors[f"{probe}.weights"].astype(np.float64)
        columns = self.tensors["scaler.column"][feature]
        scores = self.x(split)[:, columns] @ weights + self.tensors[f"{probe}.intercept"]
        classes: np.ndarray = scores.argmax(1)
        return classes

    def correct(self, probe: str, split: Split = "test") -> np.ndarray:
        hits: np.ndarray = self.predicted(probe, split) == self.label[split]
        return hits

    def score(self, probe: str, split: Split = "test") -> float:
        return float(self.correct(probe, split).mean())

    @property
    def unseen(self) -> np.ndarray:
        """Test rows whose text is absent from train."""
        known = set(self.text["train"])
        return np.array([text not in known for text in self.text["test"]])


def plain_of(run: Finished) -> Plain:
    opened = {s: run.store.read(s) for s in SPLITS}
    tensors = load_file(run.folder / "selection.safetensors")
    for stage in PROBE_STAGES[1:]:
        tensors |= {f"{stage}:{k}": v for k, v in load_file(run.folder / f"{stage}.safetensors").items()}
    return Plain(
        {s: a.values.numpy().astype(np.float64) for s, a in opened.items()},
        {s: a.label for s, a in opened.items()},
        {s: [str(t) for t in a.text] for s, a in opened.items()},
        {s: a.group for s, a in opened.items()},
        tensors,
    )
