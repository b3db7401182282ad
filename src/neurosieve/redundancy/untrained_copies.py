"""What the architecture alone can do: the same rows read by untrained copies, with probes of their own."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Num

from neurosieve.activations.extraction import ExtractionOptions, read_activations
from neurosieve.activations.store import Activations
from neurosieve.data import Dataset, Sample
from neurosieve.models import CodeModel
from neurosieve.models.untrained import untrained_copy
from neurosieve.probes import fit_oracle, selection_data
from neurosieve.redundancy.layers import fit_layers
from neurosieve.typing import Precision, Split


@dataclass(frozen=True, kw_only=True)
class Untrained:
    """One untrained copy.

    Attributes:
        seed: Of its weights.
        lam: λ chosen on validation, on a path of its own.
        validation: Accuracy there, or R².
        converged: Of the chosen probe.
        label: True classes of the test rows, or values standardised by train, shape [rows].
        predicted: Predicted ones, shape [rows].
        layers: Those predicted by the probe on each layer alone, shape [layers, rows].
    """

    seed: int
    lam: float
    validation: float
    converged: bool
    label: Num[np.ndarray, " rows"]
    predicted: Num[np.ndarray, " rows"]
    layers: Num[np.ndarray, "layers rows"]

    def __post_init__(self) -> None:
        if not len(self.label) == len(self.predicted) == self.layers.shape[1]:
            got = f"{len(self.label)} labels, {len(self.predicted)} and {self.layers.shape[1]} predictions"
            raise ValueError(f"as many predictions as labels are needed, not {got}")


def read_untrained(
    model: CodeModel,
    dataset: Dataset,
    sample: Sample,
    options: ExtractionOptions,
    *,
    seed: int,
    path: int,
    precision: Precision | None = None,
) -> Untrained:
    """Read the rows with an untrained copy, choose its probes on validation, and predict the test rows.

    The test rows are read after all choices. Nothing is stored: only predictions are kept.

    Args:
        model: The trained one.
        dataset: The code.
        sample: The rows.
        options: As for the trained model.
        seed: Of the weights.
        path: Values on the λ path.
        precision: Of the copy; the trained model's by default.
    """
    copy = untrained_copy(model, seed, precision)

    def read(split: Split) -> Activations:
        return read_activations(copy, dataset, sample, split, options)

    train = read("train")
    data = selection_data(train, read("validation"), model.device)
    count = int(train.neurons[:, 0].max()) + 1
    del train
    oracle = fit_oracle(data, path)
    layers = fit_layers(data, oracle, count, incremental=False).independent
    test = read("test")
    x = data.scaler.apply(test.values).to(model.device)
    probe = oracle.probe
    predicted = np.stack([p.predict(x) for p in layers])
    label = data.scaler.labels(test.label)
    return Untrained(
        seed=seed,
        lam=probe.lam,
        validation=probe.validation,
        converged=probe.converged,
        label=label,
        predicted=probe.predict(x),
        layers=predicted,
    )
