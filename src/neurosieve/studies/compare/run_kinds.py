"""Kinds of neurons over all runs of one model."""

from collections.abc import Sequence

import numpy as np

from neurosieve.comparison.kinds import kind_shares, specific_neurons
from neurosieve.comparison.label_roles import strengths
from neurosieve.errors import DataError
from neurosieve.results.comparison_pairs import NeuronKinds, SpecificNeurons
from neurosieve.results.comparison_parts import Relation
from neurosieve.results.measured import NotMeasured
from neurosieve.results.neuron_set import NeuronSet
from neurosieve.studies.compare.compared_run import ComparedRun
from neurosieve.studies.compare.neuron_parts import common_labels, labelled, numbers
from neurosieve.studies.compare.pair_parts import wanted
from neurosieve.studies.compare.relations import relation_of
from neurosieve.studies.compare_options import CompareOptions


def kinds_of(runs: Sequence[ComparedRun], options: CompareOptions) -> tuple[NeuronKinds, ...]:
    """Of each group of two runs or more of one model that have a smallest set.

    Raises:
        DataError: Kinds were asked for by name, and there is no such group.
    """
    if not wanted("kinds", options):
        return ()
    groups: list[list[ComparedRun]] = []
    for run in runs:
        if isinstance(run.chosen, NotMeasured):
            continue
        home = next((group for group in groups if relation_of(group[0], run) is Relation.SAME), None)
        if home is None:
            groups.append([run])
        else:
            home.append(run)
    found = tuple(_kinds(group) for group in groups if len(group) > 1)
    if options.parts is not None and not found:
        raise DataError(
            "kinds of neurons",
            expected="two runs or more of one model, each with a smallest set",
            got="none such",
            remedy="compare other runs, or leave kinds out of --parts",
        )
    return found


def _kinds(runs: list[ComparedRun]) -> NeuronKinds:
    """Over the neurons that are alive in all of them."""
    alive = NeuronSet(sorted(set.intersection(*(set(run.number) for run in runs))))
    ids = np.array(alive, dtype=np.int64).reshape(-1, 2)
    sets = [run.chosen for run in runs]
    members = np.array([[n in own for n in alive] for own in sets if not isinstance(own, NotMeasured)])
    seed, labels = runs[0].options.seed, common_labels(runs)
    specific: tuple[SpecificNeurons, ...] | NotMeasured
    if isinstance(labels, NotMeasured):
        specific = labels
    else:
        found = [strengths(labelled(run, labels, numbers(run, alive))) for run in runs]
        specific = tuple(specific_neurons(i, run.name, members, ids, found, seed) for i, run in enumerate(runs))
    return NeuronKinds(
        runs=tuple(run.name for run in runs),
        kinds=kind_shares(members, ids[:, 0], seed),
        all_shared=NeuronSet(ids[members.all(0)]),
        specific=specific,
    )
