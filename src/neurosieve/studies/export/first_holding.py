"""The cheapest way that stays within delta once it is built and reads the validation texts itself."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from neurosieve.compact.building import (
    UnitKind,
    standard_unit,
    with_first,
    write_full,
    write_record,
    write_standard,
    write_table,
)
from neurosieve.compact.cascade import FIRST
from neurosieve.compact.compact_model import CompactModel, load_compact
from neurosieve.compact.compact_spec import CompactSpec
from neurosieve.compact.vocabulary import Vocabulary
from neurosieve.errors import ModelError
from neurosieve.models import CodeModel
from neurosieve.redundancy.minimal_set import Select
from neurosieve.results.export import FrontierPoint
from neurosieve.studies.export.proof import OpenedSplit, prove
from neurosieve.studies.export.run_probes import RunProbes, Way, head_of, loss_within, no_way
from neurosieve.studies.export.standard_form import fit_standard
from neurosieve.studies.export_options import ExportOptions
from neurosieve.studies.inputs import StudyData, pooling_of
from neurosieve.typing import PathLike


@dataclass(frozen=True)
class Asked:
    """What is asked of an export: of which run, in which form, with what loss at most by which rule."""

    run: PathLike
    form: str
    delta: float
    rule: Select
    vocabulary: Vocabulary | None = None

    @staticmethod
    def of(run: PathLike, study: RunProbes, options: ExportOptions, vocabulary: Vocabulary | None = None) -> "Asked":
        """By the options, and the study's where these are silent; with the vocabulary that is kept, if not all is."""
        delta = options.delta or study.config.deltas[0]
        return Asked(run, options.form, delta, study.config.select[0], vocabulary)

    def fits(self, way: Way) -> bool:
        """Is it of the form?"""
        return self.form in ("auto", way.point.form)

    def measured(self, way: Way, model: CompactModel, rows: OpenedSplit) -> FrontierPoint:
        """The place of a way on the frontier, by a model that was built of it and reads the validation texts itself."""
        held = prove(rows, model, way.probe)
        bound = loss_within(rows.reference, held.scores, rows.bootstrap, self.rule)
        within = bound is not None and bound <= self.delta + 1e-12
        score, blocks = held.score, model.spec.blocks
        return replace(
            way.point, blocks=blocks, validation=score.value, interval=score.interval, bound=bound, within=within
        )


@dataclass(frozen=True)
class Built:
    """A way that holds: the model in its folder, and the frontier as it was measured.

    Attributes:
        way: That was built.
        model: Of it.
        frontier: Of all ways.
        notes: What was left out, in words.
        larger: The same way with more inside, which held as well, the smallest first.
    """

    way: Way
    model: CompactModel
    frontier: tuple[FrontierPoint, ...]
    notes: tuple[str, ...]
    larger: tuple[Way, ...] = ()

    def with_way(self, way: Way, model: CompactModel) -> "Built":
        """Another way of the frontier in its place."""
        chosen = replace(way.point, exported=True)
        points = [
            chosen if p == replace(chosen, exported=p.exported) else replace(p, exported=False) for p in self.frontier
        ]
        return replace(self, way=replace(way, point=chosen), model=model, frontier=tuple(points))


def first_holding(
    study: RunProbes,
    data: StudyData,
    model: CodeModel,
    found: Sequence[Way],
    asked: Asked,
    rows: OpenedSplit,
    folder: Path,
) -> Built:
    """Build ways, cheapest first, until one holds.

    Args:
        study: The run.
        data: What it read.
        model: Its model.
        found: All ways, cheapest first.
        asked: Form, loss and rule.
        rows: Of validation.
        folder: To write into.

    Raises:
        ConfigError: None holds.
        ModelError: The one form that was asked for is none of the family's.
    """
    points, notes = {way: way.point for way in found}, []
    for way in (way for way in found if asked.fits(way) and way.point.within):
        try:
            small = build(study, data, model, way, asked.vocabulary, folder)
        except ModelError as e:
            if asked.form == way.point.form or way.point.form == "full":
                raise
            notes.append(f"no {way.point.form}: {e.subject}: expected {e.expected}, got {e.got}")
            continue
        points[way] = asked.measured(way, small, rows)
        if points[way].within:
            points[way] = replace(points[way], exported=True)
            return Built(replace(way, point=points[way]), small, tuple(points.values()), tuple(notes))
    raise no_way([points[way] for way in found if asked.fits(way)], asked.form, asked.delta, asked.run)


def build(
    study: RunProbes, data: StudyData, model: CodeModel, way: Way, vocabulary: Vocabulary | None, folder: Path
) -> CompactModel:
    """Write a way's files into a folder, in place of what is there, and load them."""
    for old in folder.iterdir():
        shutil.rmtree(old) if old.is_dir() else old.unlink()
    spec = _written(study, data, model, way, vocabulary, folder)
    if way.first:
        (folder / FIRST).mkdir()
        write_record(folder / FIRST, _written(study, data, model, way.first, vocabulary, folder / FIRST))
        spec = with_first(folder, spec, way.margin)
    write_record(folder, spec)
    return load_compact(folder)


def _written(
    study: RunProbes, data: StudyData, model: CodeModel, way: Way, vocabulary: Vocabulary | None, folder: Path
) -> CompactSpec:
    head, unit, inside = head_of(way.probe, study.selection.scaler), unit_kind(study, model), way.inside
    if way.point.form == "standard":
        unit = standard_unit(unit, model, vocabulary)
        network = fit_standard(study, data, inside.model if inside else model, way.point.blocks, unit, folder)
        return write_standard(folder, model, network, way.neurons, head, unit)
    if way.point.form == "table":
        return write_table(folder, model, way.neurons, head, unit, vocabulary=vocabulary)
    if inside:
        return write_full(folder, model, way.neurons, inside.head, unit, vocabulary=vocabulary, inside=inside.model)
    return write_full(folder, model, way.neurons, head, unit, vocabulary=vocabulary)


def unit_kind(study: RunProbes, model: CodeModel) -> UnitKind:
    """What the study's units are."""
    config, manifest = study.config, study.store.manifest
    return UnitKind(
        task=config.task,
        labels=tuple(manifest.labels),
        target=study.selection.scaler.target,
        whole=config.whole,
        sides=manifest.sides,
        joint=config.pair_input == "joint",
        pooling=pooling_of(config, model.adapter.kind),
        max_windows=config.max_windows,
    )
