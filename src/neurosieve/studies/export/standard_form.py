"""The head of a transformers folder, fitted to the study's train rows as all probes are."""

from pathlib import Path

from neurosieve.compact.building import UnitKind, make_spec
from neurosieve.compact.compact_model import CompactModel
from neurosieve.compact.standard_head import StandardNetwork, set_head, standard_network
from neurosieve.compact.unit_reader import UnitReader
from neurosieve.models import CodeModel
from neurosieve.studies.export.run_probes import RunProbes
from neurosieve.studies.export.unit_features import refitted_head
from neurosieve.studies.inputs import StudyData


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
    set_head(network, refitted_head(study, data, reader))
    return network
