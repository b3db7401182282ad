"""Modules as compact models in one folder: each with its own depth, a table where it lies in layer 0."""

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from neurosieve.compact.building import UnitKind, write_full, write_record, write_table
from neurosieve.compact.compact_model import load_compact
from neurosieve.compact.compact_spec import CompactSpec
from neurosieve.compact.composing import composed_spec, folder_of, rest_of
from neurosieve.compact.linear_head import Head
from neurosieve.errors import ModelError
from neurosieve.models import CodeModel
from neurosieve.modules.one_label import Module, compose
from neurosieve.probes.metrics import scored
from neurosieve.results.codec import to_json
from neurosieve.results.export import Form
from neurosieve.results.modules import ModuleFolder, ModulePart
from neurosieve.storage.whole_folder import check_free, whole_folder
from neurosieve.studies.export.first_holding import unit_kind
from neurosieve.studies.export.run_probes import RunProbes
from neurosieve.studies.export.unit_texts import places_in, unit_texts
from neurosieve.studies.inputs import StudyData, model_of, read_data
from neurosieve.studies.modules.module_work import ModuleWork
from neurosieve.typing import PathLike


def write_modules(work: ModuleWork, modules: Sequence[Module], out: PathLike) -> ModuleFolder:
    """Write them, and read the run's test texts by what was written.

    Args:
        work: The run.
        modules: Which decide together.
        out: New or empty.

    Raises:
        RunFolderError: A run that is not finished, or of activations that were made elsewhere; something in `out`.
        ModelError: A family whose blocks cannot be cut.
        ResourceError: No room.
    """
    begin = time.monotonic()
    check_free(Path(out))
    study = RunProbes.of(work.run)
    data, model = read_data(study.config), model_of(study.config)
    with whole_folder(out) as folder:
        parts = tuple(_write(study, model, module, folder) for module in modules)
        spec = composed_spec(folder, [module.label for module in modules])
        write_record(folder, spec)
        written = replace(_proved(work, modules, data, folder, parts), seconds=round(time.monotonic() - begin, 2))
        write_record(folder, spec, to_json(written))
    return written


def _write(study: RunProbes, model: CodeModel, module: Module, folder: Path) -> ModulePart:
    """One module; a table where the layer of embeddings is enough and the family has one."""
    place = folder / folder_of(module.label)
    place.mkdir()
    unit = replace(unit_kind(study, model), labels=(rest_of(module.label), module.label))
    head = Head(
        np.stack([np.zeros_like(module.weight), module.weight], 1), np.array([0.0, module.bias])
    )  # the rest has no score of its own
    spec, form = _written(study, model, module, head, unit, place)
    write_record(place, spec)
    size = sum((place / name).stat().st_size for name in spec.files if name.endswith(".safetensors"))
    return ModulePart(
        label=module.label,
        folder=place.name,
        form=form,
        blocks=spec.blocks,
        neurons=len(module.neurons),
        bytes=size,
    )


def _written(
    study: RunProbes, model: CodeModel, module: Module, head: Head, unit: UnitKind, place: Path
) -> tuple[CompactSpec, Form]:
    flat = study.config.site == "hidden" and unit.sides == 1 and not unit.joint
    if flat and all(neuron.layer == 0 for neuron in module.neurons):
        try:
            return write_table(place, model, module.neurons, head, unit), "table"
        except ModelError:  # the family's embeddings make no table
            for file in place.iterdir():
                file.unlink()
    return write_full(place, model, module.neurons, head, unit), "full"


def _proved(
    work: ModuleWork, modules: Sequence[Module], data: StudyData, folder: Path, parts: tuple[ModulePart, ...]
) -> ModuleFolder:
    """What was written, on the run's test texts, compared with the modules on stored activations."""
    units, test = unit_texts(data, "test"), work.test
    place = places_in(work.store, "test", units.row)
    read = place >= 0
    said = load_compact(folder).scores(units.texts)[read].argmax(1)
    stored = compose(modules, test.values, work.grid)[place[read]].argmax(1)
    labels = np.array([module.label for module in modules], dtype=object)
    truth = np.array(work.labels, dtype=object)[test.label[place[read]]]
    return ModuleFolder(
        parts=parts,
        test=scored(labels[said] == truth, work.resamples(units.group[read])),
        other_decisions=float((said != stored).mean()),
        seconds=0.0,
    )
