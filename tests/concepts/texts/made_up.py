"""Short functions in files, with properties that no text shows, and stores in which chosen neurons tell them."""

import random
from functools import cache
from pathlib import Path

import numpy as np

from neurosieve.concepts.properties import Bins, Property, column_property
from neurosieve.concepts.rows import ConceptRows, ConceptStore
from neurosieve.concepts.texts.text_search import text_rows
from neurosieve.data.dataset import Dataset, Example
from neurosieve.typing import SPLITS, NeuronId, Split
from tests.concepts.neurons.test_claims import changed
from tests.concepts.planted import planted_store

FILES: dict[Split, int] = {"train": 24, "validation": 10, "test": 30}
IN_FILE = 16
_LINES = ("x = a + 1", "for b in a: f(b)", "if a: x = 2", "raise E(a)", "x = [a]", "print(a)")


@cache
def rows() -> ConceptRows:
    """Functions with a flag and a size that are drawn, and some properties of their text."""
    rng = random.Random(0)
    examples = list[Example]()
    for split in SPLITS:
        for file in range(FILES[split]):
            for number in range(IN_FILE):
                body = "".join(f"    {rng.choice(_LINES)}\n" for _ in range(rng.randrange(1, 7)))
                name = f"{split}/{file}.py"
                examples.append(Example(f"{name}:{number}", f"def f(a):\n{body}", (), split, name))
    flag = column_property("flag", {e.id: "yes" if rng.random() < 0.3 else "no" for e in examples})
    sizes = {e.id: int(np.exp(rng.uniform(0, 5))) for e in examples}
    size = column_property("size", sizes, bins=Bins((0, 5, 30)))
    dataset = Dataset(tuple(examples), "made up", whole=True)
    most: dict[Split, int] = dict.fromkeys(SPLITS, 10**6)
    asked: list[str | Property] = [flag, size, "complexity", "length"]
    return text_rows(dataset, ["python"] * len(examples), properties=asked, texts=most)


def store(url: Path, flag: dict[NeuronId, float], size: dict[NeuronId, float], seed: int = 0) -> ConceptStore:
    """Noise; some neurons are shifted by the flag, some by the logarithm of the size in its deviations."""
    plain = planted_store(url / "flag", {n: ("flag=yes", s) for n, s in flag.items()}, rows=rows(), seed=seed)
    logs = np.log1p(rows().table.numbers["size"])
    logs = (logs - logs.mean()) / logs.std()

    def with_size(_: Split, values: np.ndarray, numbers: np.ndarray) -> np.ndarray:
        for (layer, index), shift in size.items():
            values[:, layer * 8 + index] += shift * logs[numbers]
        return values

    return changed(url / "both", with_size, plain)
