"""The head of a transformers folder, fitted to the study's train rows as all probes are."""

from pathlib import Path

import numpy as np
import torch

from neurosieve.activations.store import Activations
from neurosieve.compact.building import UnitKind, make_spec
from neurosieve.compact.compact_model import CompactModel
from neurosieve.compact.standard_head import StandardNetwork, set_head, standard_network
from neurosieve.compact.unit_reader import UnitReader
from neurosieve.models import CodeModel
from neurosieve.probes import fit_probe, selection_data
from neurosieve.studies.export.run_probes import RunProbes, head_of
from neurosieve.studies.export.unit_texts import unit_texts
from neurosieve.studies.inputs import StudyData
from neurosieve.typing import Split


def fit_standard(
    study: RunProbes, data: StudyData, model: CodeModel, blocks: int, unit: UnitKind, folder: Path
) -> StandardNetwork:
    """A network of a model's first blocks whose head was fitted on train, its λ chosen on validation.

    Args:
        study: The run; its oracle's λ and the two neighbours are searched.
        data: What it read.
        model: Its model.
        blocks: That are kept.
        unit: What the network labels.
        folder: For the tokenizer.
    """
    network = standard_network(model, blocks, unit.labels, sequences=unit.whole)
    spec = make_spec(folder, model, (), unit, form="standard", blocks=blocks, files=())
    reader = CompactModel(spec, UnitReader(folder, spec), network, None)
    train, validation = (_read(data, reader, split) for split in ("train", "validation"))
    rows = selection_data(train, validation)
    probe, _ = fit_probe(rows, np.arange(len(rows.neurons)), study.selection.oracle.lambdas)
    narrow, head = head_of(probe, rows.scaler), rows.scaler.column
    weight = np.zeros((network.outputs, len(unit.labels)))
    weight[head] = narrow.weight
    set_head(network, type(narrow)(weight, narrow.bias))
    return network


def _read(data: StudyData, reader: CompactModel, split: Split) -> Activations:
    """What comes to the network's last layer, as one layer of activations."""
    units, labels = unit_texts(data, split), reader.spec.labels
    values = reader.scores(units.texts)
    read = ~np.isnan(values).any(1)
    ids = np.stack([np.zeros(values.shape[1], dtype=np.int64), np.arange(values.shape[1])], 1)
    texts = np.full(int(read.sum()), "", dtype=object)
    return Activations(torch.from_numpy(values[read]), ids, units.label[read], labels, units.group[read], texts)
