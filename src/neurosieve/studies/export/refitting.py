"""Heads fitted again to a study's train rows, as all probes are, where a network gives other values than it did."""

from dataclasses import dataclass

import numpy as np
import torch

from neurosieve.activations.store import Activations
from neurosieve.compact.compact_model import CompactModel
from neurosieve.compact.linear_head import Head
from neurosieve.probes import fit_probe, selection_data
from neurosieve.studies.export.run_probes import RunProbes, head_of
from neurosieve.studies.export.unit_texts import UnitTexts, unit_texts
from neurosieve.studies.inputs import StudyData
from neurosieve.typing import NeuronId


@dataclass(frozen=True)
class Rows:
    """Texts with units that a head is fitted to, and by which its λ is chosen."""

    train: UnitTexts
    validation: UnitTexts

    @staticmethod
    def of(data: StudyData) -> "Rows":
        """All of a study."""
        return Rows(unit_texts(data, "train"), unit_texts(data, "validation"))


def refitted_head(study: RunProbes, rows: Rows, reader: CompactModel, neurons: tuple[NeuronId, ...]) -> Head:
    """A head on what a network gives; its λ is the oracle's or one of the two beside it.

    Args:
        study: The run.
        rows: To fit to.
        reader: The network without a head.
        neurons: Names of what it gives, in order.
    """
    data = selection_data(_read(rows.train, reader, neurons), _read(rows.validation, reader, neurons))
    probe, _ = fit_probe(data, np.arange(len(data.neurons)), study.selection.oracle.lambdas)
    narrow = head_of(probe, data.scaler)
    copies = 2 if reader.spec.sides == 2 else 1
    weight = np.zeros((len(neurons) * copies, narrow.weight.shape[1]))
    weight[data.scaler.column] = narrow.weight
    bias = narrow.bias
    if (own := data.scaler.target) and (told := study.selection.scaler.target):  # by the rows that were read
        weight = weight * (own[1] / told[1])
        bias = (bias * own[1] + own[0] - told[0]) / told[1]
    return Head(weight, bias)


def _read(units: UnitTexts, reader: CompactModel, neurons: tuple[NeuronId, ...]) -> Activations:
    """What the network gives for each unit."""
    values = reader.scores(units.texts)
    read = ~np.isnan(values).any(1)
    texts = np.full(int(read.sum()), "", dtype=object)
    ids = np.array(neurons, dtype=np.int64).reshape(-1, 2)
    labels = reader.spec.labels
    return Activations(torch.from_numpy(values[read]), ids, units.label[read], labels, units.group[read], texts)
