"""What the architecture alone can do: the same rows read by untrained copies, with probes of their own."""

from dataclasses import asdict, dataclass

import numpy as np
from jaxtyping import Num

from neurosieve.activations.extraction import ExtractionOptions, read_activations
from neurosieve.activations.store import Activations
from neurosieve.data import Dataset, Sample
from neurosieve.models import CodeModel
from neurosieve.models.untrained import untrained_copy
from neurosieve.probes import fit_oracle, selection_data
from neurosieve.redundancy.layers import fit_layers
from neurosieve.typing import Split


@dataclass(frozen=True)
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

    def record(self) -> dict[str, object]:
        """As plain values."""
        return {k: v.tolist() if isinstance(v, np.ndarray) else v for k, v in asdict(self).items()}

    @staticmethod
    def from_record(record: dict[str, object]) -> "Untrained":
        """The other way.

        Raises:
            TypeError: A part is missing, or one too many.
            ValueError: Parts that do not fit together, or are no numbers.
        """
        arrays = {"label": 1, "predicted": 1, "layers": 2}
        values = {k: _numbers(k, v, arrays[k]) if k in arrays else v for k, v in record.items()}
        copy = Untrained(**values)  # type: ignore[arg-type]
        if not all(isinstance(v, int | float) for v in (copy.seed, copy.lam, copy.validation, copy.converged)):
            raise ValueError("something else than numbers")
        if not len(copy.label) == len(copy.predicted) == copy.layers.shape[1]:
            raise ValueError(f"{len(copy.label)} labels, {len(copy.predicted)} and {copy.layers.shape[1]} predictions")
        return copy


def _numbers(name: str, value: object, dimensions: int) -> np.ndarray:
    """Class numbers as integers, values as floats.

    Raises:
        ValueError: Something else.
    """
    array = np.array(value)
    if array.dtype.kind not in "if" or array.ndim != dimensions or not np.isfinite(array).all():
        raise ValueError(f"{name} of {array.dtype}, shape {array.shape}")
    return array


def read_untrained(
    model: CodeModel, dataset: Dataset, sample: Sample, options: ExtractionOptions, *, seed: int, path: int
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
    """
    copy = untrained_copy(model, seed)

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
    return Untrained(seed, probe.lam, probe.validation, probe.converged, label, probe.predict(x), predicted)
