"""What the architecture alone can do: the same rows read by untrained copies, with probes of their own."""

from dataclasses import dataclass
from functools import cached_property, partial
from typing import Annotated

import numpy as np
import torch
from jaxtyping import Num

from neurosieve.activations.extraction import ExtractionOptions, read_activations
from neurosieve.activations.store import Activations
from neurosieve.data import Dataset, Sample
from neurosieve.models import CodeModel
from neurosieve.models.untrained import untrained_copy
from neurosieve.probes import Oracle, Probe, Scaler, selection_data
from neurosieve.probes.probe import fit_own_path
from neurosieve.redundancy.layers import fit_layers
from neurosieve.results.marks import Omitted
from neurosieve.typing import CopyPrecision, Precision, Split

AGREES = 0.002  # scores of the same rows in two precisions


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
        precision: In which it was read; None for that of the trained model.
    """

    seed: int
    lam: float
    validation: float
    converged: bool
    label: Num[np.ndarray, " rows"]
    predicted: Num[np.ndarray, " rows"]
    layers: Num[np.ndarray, "layers rows"]
    precision: Annotated[Precision | None, Omitted] = None

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
    precision: CopyPrecision = "model",
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
        precision: Of the copy; `model` is the trained model's. `auto` is bfloat16 where the device computes in it and
            the chosen probe's score on validation rows read in float32 differs by 0.2 points at most.
    """
    read = partial(_Copy, model, dataset, sample, options, seed)
    if precision != "auto":
        return read(None if precision == "model" else precision).fitted(path).untrained()
    if quick_in_bfloat16(model):
        fitted = read("bfloat16").fitted(path)
        if abs(fitted.validation_score(read(None)) - fitted.oracle.probe.validation) <= AGREES:
            return fitted.untrained()
    return read(None).fitted(path).untrained()


def quick_in_bfloat16(model: CodeModel) -> bool:
    """Whether the model computes in float32 on a device that multiplies bfloat16 in hardware."""
    if next(model.network.parameters()).dtype != torch.float32:
        return False
    if model.device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    able = torch.cpu.get_capabilities()
    return model.device.type == "cpu" and any(able.get(name, False) for name in ("avx512_bf16", "amx_bf16", "bf16"))


@dataclass(frozen=True)
class _Copy:
    """An untrained copy in some precision, and what it reads."""

    model: CodeModel
    dataset: Dataset
    sample: Sample
    options: ExtractionOptions
    seed: int
    precision: Precision | None

    @cached_property
    def network(self) -> CodeModel:
        """The copy."""
        return untrained_copy(self.model, self.seed, self.precision)

    def read(self, split: Split) -> Activations:
        """Rows of a split."""
        return read_activations(self.network, self.dataset, self.sample, split, self.options)

    def fitted(self, path: int) -> "_Fitted":
        """With probes that are chosen on train and validation."""
        train = self.read("train")
        data = selection_data(train, self.read("validation"), self.model.device)
        count = int(train.neurons[:, 0].max()) + 1
        del train
        oracle = fit_own_path(data, np.arange(len(data.neurons)), path)
        return _Fitted(self, data.scaler, oracle, fit_layers(data, oracle, count, incremental=False).independent)


@dataclass(frozen=True)
class _Fitted:
    """A copy with its probes: on all neurons, and on each layer."""

    copy: _Copy
    scaler: Scaler
    oracle: Oracle
    layers: tuple[Probe, ...]

    def validation_score(self, copy: _Copy) -> float:
        """Score of the probe on validation rows that another copy reads."""
        rows = copy.read("validation")
        x = self.scaler.apply(rows.values).to(copy.model.device)
        return float(self.oracle.probe.row_scores(x, self.scaler.labels(rows.label)).mean())

    def untrained(self) -> Untrained:
        """What it predicts on test, which is opened here."""
        test = self.copy.read("test")
        x = self.scaler.apply(test.values).to(self.copy.model.device)
        probe = self.oracle.probe
        return Untrained(
            seed=self.copy.seed,
            lam=probe.lam,
            validation=probe.validation,
            converged=probe.converged,
            label=self.scaler.labels(test.label),
            predicted=probe.predict(x),
            layers=np.stack([p.predict(x) for p in self.layers]),
            precision=self.copy.precision,
        )
