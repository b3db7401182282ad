"""Fitted modules on the test rows, which are opened here: each alone, composed, and what they share."""

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np
from jaxtyping import Bool, Int

from neurosieve.modules.module_search import FittedModule, ModuleRule, told_apart
from neurosieve.modules.one_label import Module, compose, module_of
from neurosieve.probes import Probe
from neurosieve.probes.metrics import lost, scored, spread
from neurosieve.results.measured import RandomSizes
from neurosieve.results.modules import (
    ComposedModules,
    CompositionKind,
    LabelModule,
    ModulePair,
    ModulesResult,
    OwnScore,
    SharedByModules,
)
from neurosieve.results.neuron_set import NeuronSet
from neurosieve.statistics.overlap_laws import membership_law, set_overlap
from neurosieve.studies.modules.fitted_modules import FittedModules
from neurosieve.studies.modules.module_work import LabelledRows, ModuleWork
from neurosieve.studies.run_folder import MODULES, versions
from neurosieve.typing import SPLITS, Scores


def measure(work: ModuleWork, fitted: FittedModules, rule: ModuleRule) -> ModulesResult:
    """Open the test rows once, and say how good the modules are."""
    manifest, test = work.store.manifest, work.test
    draws = [_decided([one.random[j] for one in fitted.modules], work, test) for j in range(rule.draws)]
    random = [decided == test.label for decided in draws]
    monolith: Scores = test.monolith == test.label
    margins = _blocks(work, work.chosen.oracle.probe)
    compositions = _compositions(work, margins, fitted)
    parts = zip(fitted.modules, margins, strict=True)
    return ModulesResult(
        model=manifest.model if work.config.activations is None else "",
        revision=manifest.revision,
        site=work.config.site,
        task=work.config.task,
        labels=work.labels,
        layers=manifest.layers,
        live=_live(work),
        rows={split: manifest.rows[split] for split in SPLITS},
        delta=rule.delta,
        select=rule.select,
        draws=rule.draws,
        seed=rule.seed,
        monolith=scored(monolith, test.bootstrap),
        modules=tuple(_label_module(work, i, one, block) for i, (one, block) in enumerate(parts)),
        compositions=tuple(_composed(work, kind, modules) for kind, modules in compositions.items()),
        random=spread([float(scores.mean()) for scores in random]),
        random_loss=lost(monolith, np.mean(random, axis=0), test.bootstrap),
        shared=_shared(work, [one.module for one in fitted.modules]),
        notes=_notes(work, fitted),
        seconds=work.folder.seconds.get(MODULES, 0.0),
        versions=versions(),
    )


def own_score(said: Bool[np.ndarray, " rows"], truth: Bool[np.ndarray, " rows"], rows: LabelledRows) -> OwnScore:
    """A label against the rest.

    Args:
        said: Which rows are claimed.
        truth: Which have it.
        rows: All of them.
    """
    hits = int((said & truth).sum())
    return OwnScore(
        test=scored(said == truth, rows.bootstrap),
        recall=hits / max(1, int(truth.sum())),
        precision=hits / max(1, int(said.sum())),
    )


def _notes(work: ModuleWork, fitted: FittedModules) -> tuple[str, ...]:
    """What a user has to know."""
    wide = [one.module.label for one in fitted.modules if not one.within]
    loose = [one.module.label for one in fitted.modules if not one.converged]
    notes = (
        [f"not even all neurons are within delta of the probe of all labels on validation: {', '.join(wide)}"]
        if wide
        else []
    )
    notes += [f"probes that did not converge: {', '.join(loose)}"] if loose else []
    if work.chosen.scaler.copies == 2:
        notes.append("a neuron counts by |u - v| and u * v of its values for the two sides of a pair")
    return tuple(notes)


def _live(work: ModuleWork) -> tuple[int, ...]:
    layer = work.chosen.scaler.neurons[:, 0]
    return tuple(np.bincount(layer, minlength=work.store.manifest.layers).tolist())


def _decided(modules: Sequence[Module], work: ModuleWork, rows: LabelledRows) -> Int[np.ndarray, " rows"]:
    return np.asarray(compose(modules, rows.values, work.grid).argmax(1))


def _label_module(work: ModuleWork, number: int, fitted: FittedModule, block: Module) -> LabelModule:
    test, module = work.test, fitted.module
    truth, reference = test.label == number, told_apart(test.monolith, test.label, number)
    said = module.scores(test.values, work.grid) > 0
    own = own_score(said, truth, test)
    random = [float(((one.scores(test.values, work.grid) > 0) == truth).mean()) for one in fitted.random]
    sizes, middle = fitted.random_sizes, float(np.median(fitted.random_sizes))
    layers = [n.layer for n in module.neurons]
    return LabelModule(
        label=module.label,
        neurons=NeuronSet(module.neurons),
        counts=tuple(np.bincount(layers, minlength=work.store.manifest.layers).tolist()),
        within=fitted.within,
        converged=fitted.converged,
        validation=fitted.validation,
        test=own.test,
        loss=lost(reference, said == truth, test.bootstrap),
        recall=own.recall,
        precision=own.precision,
        majority=float(max(truth.mean(), 1 - truth.mean())),
        random=spread(random),
        random_size=RandomSizes(median=middle, low=min(sizes), high=max(sizes), ratio=len(module.neurons) / middle),
        margin=len(block.neurons),
    )


def _compositions(
    work: ModuleWork, margins: Sequence[Module], fitted: FittedModules
) -> Mapping[CompositionKind, Sequence[Module]]:
    """Blocks of the monolith, of the smallest set's probe where there is one, and the independent modules."""
    found: dict[CompositionKind, Sequence[Module]] = {"margins": margins}
    if work.chosen.sets:
        found["smallest set"] = _blocks(work, work.chosen.sets[0].probe)
    return found | {"independent": [one.module for one in fitted.modules]}


def _blocks(work: ModuleWork, probe: Probe) -> list[Module]:
    return [module_of(label, probe, work.chosen.scaler, i) for i, label in enumerate(work.labels)]


def _composed(work: ModuleWork, kind: CompositionKind, modules: Sequence[Module]) -> ComposedModules:
    test, validation, live = work.test, work.validation, _live(work)
    decided = _decided(modules, work, test)
    sizes = tuple(len(module.neurons) for module in modules)
    pairs = combinations(modules, 2)
    return ComposedModules(
        kind=kind,
        sizes=sizes,
        union=len({neuron for module in modules for neuron in module.neurons}),
        share=float(np.mean(sizes)) / sum(live),
        validation=float((_decided(modules, work, validation) == validation.label).mean()),
        test=scored(decided == test.label, test.bootstrap),
        loss=lost(test.monolith == test.label, decided == test.label, test.bootstrap),
        other_decisions=float((decided != test.monolith).mean()),
        pairs=tuple(
            ModulePair(a=a.label, b=b.label, overlap=set_overlap(a.neurons, b.neurons, live)) for a, b in pairs
        ),
    )


def _shared(work: ModuleWork, modules: Sequence[Module]) -> SharedByModules:
    live, every = _live(work), [neuron for module in modules for neuron in module.neurons]
    neurons, times = np.unique(np.array(every, dtype=np.int64).reshape(-1, 2), axis=0, return_counts=True)
    served = np.bincount(times, minlength=len(modules) + 1)
    served[0] = sum(live) - len(neurons)
    chance = sum(live) * membership_law(sum(live), [len(module.neurons) for module in modules])

    def layers(which: Bool[np.ndarray, " neurons"]) -> tuple[int, ...]:
        return tuple(np.bincount(neurons[which, 0], minlength=len(live)).tolist())

    return SharedByModules(
        neurons=tuple(served.tolist()),
        chance=tuple(chance.round(3).tolist()),
        one=layers(times == 1),
        some=layers((times > 1) & (times < len(modules))),
        all=layers(times == len(modules)),
    )
