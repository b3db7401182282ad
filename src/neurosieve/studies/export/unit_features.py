"""What a compact model gives in front of its head, and a head fitted on it as all probes are."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float

from neurosieve.activations.store import Activations
from neurosieve.compact.compact_model import CompactModel
from neurosieve.compact.linear_head import Head
from neurosieve.probes import Probe, Scaler, fit_probe, selection_data
from neurosieve.studies.export.run_probes import RunProbes, head_of
from neurosieve.studies.export.unit_texts import UnitTexts, unit_texts
from neurosieve.studies.inputs import StudyData
from neurosieve.typing import Split

_TEXTS = 256


@dataclass(frozen=True)
class UnitFeatures:
    """Values of the units of a split, as one layer of activations.

    Attributes:
        rows: Of the units that have tokens.
        read: Which have, shape [units].
    """

    rows: Activations
    read: Bool[np.ndarray, " units"]

    @property
    def width(self) -> int:
        """Values of a unit."""
        return int(self.rows.values.shape[1])

    def scores(self, head: Head) -> Float[np.ndarray, "rows outputs"]:
        """What a head makes of them."""
        return np.asarray(self.rows.values.numpy() @ head.weight + head.bias)


def unit_features(data: StudyData, reader: CompactModel, split: Split) -> UnitFeatures:
    """Read them by a model without a head."""
    units, labels = unit_texts(data, split), tuple(data.sample.rows.labels)
    values = scores_in_parts(reader, units)
    read = ~np.isnan(values).any(1)
    ids = np.stack([np.zeros(values.shape[1], dtype=np.int64), np.arange(values.shape[1])], 1)
    blank = np.full(int(read.sum()), "", dtype=object)
    rows = Activations(torch.from_numpy(values[read]), ids, units.label[read], labels, units.group[read], blank)
    return UnitFeatures(rows, read)


def refitted_head(study: RunProbes, data: StudyData, reader: CompactModel) -> Head:
    """A head on what a network gives now, for a study's labels; its λ is the oracle's or one of its two neighbours.

    Args:
        study: The run.
        data: What it read.
        reader: The network without a head.
    """
    train, validation = (unit_features(data, reader, split) for split in ("train", "validation"))
    rows = selection_data(train.rows, validation.rows)
    probe, _ = fit_probe(rows, np.arange(len(rows.neurons)), study.selection.oracle.lambdas)
    head = wide_head(probe, rows.scaler, train.width)
    if (now := rows.scaler.target) and (then := study.selection.scaler.target):  # values, by the rows that were read
        return Head(head.weight * (now[1] / then[1]), (head.bias * now[1] + now[0] - then[0]) / then[1])
    return head


def scores_in_parts(model: CompactModel, units: UnitTexts) -> Float[np.ndarray, "units outputs"]:
    """A model's scores, some texts at once: values of all their tokens are in memory."""
    return np.concatenate([model.scores(units.texts[i : i + _TEXTS]) for i in range(0, len(units.texts), _TEXTS)])


def wide_head(probe: Probe, scaler: Scaler, width: int) -> Head:
    """A probe's head on all raw values, those too that do not vary on train."""
    narrow = head_of(probe, scaler)
    weight = np.zeros((width, len(narrow.bias)))
    weight[scaler.column[probe.feature]] = narrow.weight
    return Head(weight, narrow.bias)
