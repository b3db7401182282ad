"""Units and heads of the kept blocks that the chosen neurons do not need: removed as far as validation allows."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from neurosieve.compact.building import make_spec
from neurosieve.compact.compact_model import CompactModel
from neurosieve.compact.cut_network import ChosenNeurons, cut
from neurosieve.compact.linear_head import Head
from neurosieve.compact.removal import Removable, least_needed
from neurosieve.compact.token_batches import TokenBatch, token_batches
from neurosieve.compact.torch_network import TorchNeurons
from neurosieve.compact.unit_reader import UnitReader
from neurosieve.models import CodeModel
from neurosieve.models.adapters import block_modules
from neurosieve.studies.export.first_holding import Asked, Built, build, unit_kind
from neurosieve.studies.export.proof import OpenedSplit
from neurosieve.studies.export.run_probes import Inside, RunProbes, Way, head_of
from neurosieve.studies.export.unit_features import refitted_head
from neurosieve.studies.export.unit_texts import unit_texts
from neurosieve.studies.inputs import StudyData

TRIES = 8
_FIRST_SHARE, _LEAST_SHARE = 0.5, 0.1  # of what can still be taken, in one step
_TEXTS, _TOKENS = 64, 1024  # that effects are measured on: train texts, and padded tokens of a batch


@dataclass(frozen=True)
class SmallerInside:
    """What a search reads: the run, its data and model, what is asked, validation rows, and the folder of the model."""

    study: RunProbes
    data: StudyData
    model: CodeModel
    asked: Asked
    validation: OpenedSplit
    folder: Path

    def search(self, built: Built) -> Built:
        """The same way with as little inside as validation allows.

        A step takes the least needed half of what is left, and fits the head again. Where validation then loses more
        than delta, the step is taken back and halved. The search ends below steps of a tenth, or after eight tries.

        Args:
            built: A way that holds, in the folder; what is found takes its place.

        Raises:
            ModelError: A family of which it is not known what can be taken out.
        """
        if not built.way.point.blocks:
            return replace(built, notes=(*built.notes, "there are no blocks to take units or heads out of"))
        best, share, points = built, _FIRST_SHARE, list(built.frontier)
        for _ in range(TRIES):
            if share < _LEAST_SHARE or (way := self._step(best.way, share)) is None:
                break
            small = self._built(way)
            point = self.asked.measured(way, small, self.validation)
            points.append(point)
            if point.within:
                best = replace(best, way=replace(way, point=point), model=small, larger=(best.way, *best.larger))
            else:
                share /= 2
        if points[-1].kept < best.way.point.kept:  # the last one that was built does not hold
            best = replace(best, model=self._built(best.way))
        return replace(best, frontier=tuple(points)).with_way(best.way, best.model)

    def with_larger(self, built: Built) -> Iterator[Built]:
        """What was found, then the same with more inside, each built in the folder."""
        yield built
        for way in built.larger:
            yield built.with_way(way, self._built(way))

    def _built(self, way: Way) -> CompactModel:
        return build(self.study, self.data, self.model, way, self.asked.vocabulary, self.folder)

    @cached_property
    def _sample(self) -> list[TokenBatch]:
        """Some train texts, evenly spaced."""
        every = unit_texts(self.data, "train").texts
        texts = [every[int(i)] for i in np.linspace(0, len(every) - 1, min(_TEXTS, len(every)))]
        spec = make_spec(
            self.folder, self.model, (), unit_kind(self.study, self.model), form="full", blocks=1, files=()
        )
        return list(token_batches(UnitReader(self.folder, spec).read(texts), spec, _TOKENS))

    def _step(self, way: Way, share: float) -> Way | None:
        """A way with less inside, to be tried; None where no whole unit is left to take."""
        blocks, standard = way.point.blocks, way.point.form == "standard"
        now = way.inside.model if way.inside else self.model if standard else cut(self.model, blocks)
        parts = Removable.of(now, blocks, heads=not standard)
        seen = parts.seen_by(cut(now, blocks)) if standard else parts
        effects = seen.effects(ChosenNeurons.of(seen.model, way.neurons), self._sample)
        kept = least_needed(parts, effects, share, equal=standard)
        if all(len(some) == branch.count for some, branch in zip(kept, parts.branches, strict=True)):
            return None
        small = parts.without(kept)
        head = head_of(way.probe, self.study.selection.scaler) if standard else self._refitted(small, way)
        before, after = (_weights(model, blocks) for model in (now, small))
        point = replace(
            way.point,
            kept=way.point.kept * after / before,
            cost=way.point.cost - before + after,
            exported=False,
        )
        return replace(way, point=point, inside=Inside(small, head))

    def _refitted(self, small: CodeModel, way: Way) -> Head:
        unit = unit_kind(self.study, self.model)
        spec = make_spec(self.folder, small, way.neurons, unit, form="full", blocks=way.point.blocks, files=())
        network = TorchNeurons(ChosenNeurons.of(small, way.neurons))
        reader = CompactModel(spec, UnitReader(self.folder, spec), network, None)
        return refitted_head(self.study, self.data, reader)


def _weights(model: CodeModel, blocks: int) -> int:
    """Of the first blocks: multiplications of a token in them."""
    every = block_modules(model.stack, model.adapter, model.adapter.blocks(model.network.config), model.name)
    return sum(p.numel() for module in every[:blocks] for p in module.parameters())
