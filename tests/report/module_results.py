"""Modules as a page shows them: three labels in two layers of ten neurons."""

from collections.abc import Sequence
from typing import Any

from neurosieve.results.measured import Difference, RandomSizes, Score, Spread
from neurosieve.results.modules import (
    ComposedModules,
    CompositionKind,
    LabelModule,
    ModuleChange,
    ModuleFolder,
    ModulePair,
    ModulePart,
    ModulesResult,
    OwnScore,
    SharedByModules,
)
from neurosieve.results.neuron_set import NeuronSet
from neurosieve.statistics import set_overlap

LIVE = (10, 10)
SETS = ([(0, 1), (0, 2), (1, 3)], [(0, 1), (0, 2)], [(1, 9)])
SCORE = Score(value=0.99, n=300, interval=(0.97, 0.995))
LOSS = Difference(value=0.004, interval=(-0.001, 0.009))


def module(label: str, neurons: Sequence[tuple[int, int]], **changed: Any) -> LabelModule:
    """One that is within delta."""
    counts = tuple(sum(layer == k for layer, _ in neurons) for k in (0, 1))
    values: dict[str, Any] = {"within": True, "converged": True, "validation": 0.98, "test": SCORE, "loss": LOSS}
    values |= {"recall": 0.9, "precision": 0.8, "majority": 2 / 3, "margin": 7}
    values |= {"random": Spread(mean=0.7, median=0.7, low=0.6, high=0.8)}
    values |= {"random_size": RandomSizes(median=9.0, low=6, high=12, ratio=len(neurons) / 9)}
    return LabelModule(label=label, neurons=NeuronSet(neurons), counts=counts, **values | changed)


def composed(kind: CompositionKind, labels: Sequence[str]) -> ComposedModules:
    """Of the three sets."""
    sets = dict(zip(labels, map(NeuronSet, SETS), strict=True))
    pairs = [(labels[0], labels[1]), (labels[0], labels[2]), (labels[1], labels[2])]
    return ComposedModules(
        kind=kind,
        sizes=(3, 2, 1),
        union=4,
        share=0.1,
        validation=0.985,
        test=SCORE,
        loss=LOSS,
        other_decisions=0.01,
        pairs=tuple(ModulePair(a=a, b=b, overlap=set_overlap(sets[a], sets[b], LIVE)) for a, b in pairs),
    )


def modules_of(labels: Sequence[str] = ("A", "B", "C")) -> ModulesResult:
    """Both compositions, one module without a set within delta."""
    changed: list[dict[str, Any]] = [{}, {}, {"within": False}]
    return ModulesResult(
        model="m",
        revision=None,
        site="hidden",
        task="token-tagging",
        labels=tuple(labels),
        layers=2,
        live=LIVE,
        rows={"train": 600, "validation": 300, "test": 300},
        delta=0.005,
        select="safe",
        draws=10,
        seed=0,
        monolith=Score(value=0.994, n=300, interval=(0.98, 0.999)),
        modules=tuple(module(a, s, **c) for a, s, c in zip(labels, SETS, changed, strict=True)),
        compositions=(composed("margins", labels), composed("independent", labels)),
        random=Spread(mean=0.5, median=0.5, low=0.4, high=0.6),
        random_loss=Difference(value=0.494, interval=(0.45, 0.53)),
        shared=SharedByModules(
            neurons=(16, 2, 2, 0), chance=(14.5, 4.9, 0.5, 0.02), one=(0, 2), some=(2, 0), all=(0, 0)
        ),
        notes=("a note",),
        seconds=2.0,
        versions={"neurosieve": "0"},
    )


def change_of(**changed: Any) -> ModuleChange:
    """One that replaced a module."""
    own = OwnScore(test=SCORE, recall=0.9, precision=0.8)
    values: dict[str, Any] = {"kind": "replace", "label": "A", "source": "runs/other", "labels": ("A", "B", "C")}
    values |= {"size": 5, "seconds": 0.25, "rows": 300, "untouched": True, "before": SCORE, "after": SCORE}
    values |= {"loss": LOSS, "moved": 3, "moved_elsewhere": 0, "own": own, "own_before": own}
    return ModuleChange(**values | changed)


def folder_of(labels: Sequence[str]) -> ModuleFolder:
    """A module of each of these labels."""
    parts = [
        ModulePart(label=label, folder=f"module-{label}", form="full", blocks=4, neurons=92, bytes=17_314_032)
        for label in labels
    ]
    return ModuleFolder(parts=tuple(parts), test=SCORE, other_decisions=0.001, seconds=2.0)
