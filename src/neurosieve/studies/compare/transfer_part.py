"""Each run's set on the other run's task, through the same neurons or, in another model, through those that match."""

import numpy as np
from jaxtyping import Float, Int

from neurosieve.comparison.matches_by_chance import MatchChance
from neurosieve.comparison.transferring import above, carried_scores, set_on_task
from neurosieve.probes.metrics import scored
from neurosieve.results.comparison_parts import Cell, Chance, Relation, Transfer
from neurosieve.results.measured import NotMeasured, Reason, Score
from neurosieve.results.neuron_set import NeuronSet
from neurosieve.studies.compare.compared_run import ComparedRun
from neurosieve.studies.compare.neuron_parts import sets_of
from neurosieve.studies.compare.relations import Pair
from neurosieve.studies.compare.unit_parts import match_neurons


def transfer_part(pair: Pair, matched: MatchChance | NotMeasured) -> tuple[Transfer, ...] | NotMeasured:
    """The first run's set on the second's task, and the other way; matches are sought anew for the other way."""
    sets = sets_of(pair)
    if isinstance(sets, NotMeasured):
        return sets
    if pair.relation is not Relation.OTHER:
        return tuple(
            _transfer(source, target, *_same_neurons(target, own))
            for source, target, own in ((pair.a, pair.b, sets[0]), (pair.b, pair.a, sets[1]))
        )
    if isinstance(matched, NotMeasured):
        return matched
    back = match_neurons(pair.turned())
    if isinstance(back, NotMeasured):
        return back
    return (
        _transfer(pair.a, pair.b, *_matched_neurons(pair.a, sets[0], matched)),
        _transfer(pair.b, pair.a, *_matched_neurons(pair.b, sets[1], back)),
    )


def _same_neurons(target: ComparedRun, own: NeuronSet) -> tuple[Int[np.ndarray, " some"], Float[np.ndarray, " some"]]:
    """The target's number of each of the set's neurons, −1 where it is dead there; all with their own sign."""
    columns = np.array([target.number.get(n, -1) for n in own], dtype=np.int64)
    return columns, np.ones(len(columns))


def _matched_neurons(
    source: ComparedRun, own: NeuronSet, found: MatchChance
) -> tuple[Int[np.ndarray, " some"], Float[np.ndarray, " some"]]:
    places = np.array([source.number[n] for n in own], dtype=np.int64)
    return found.matches.column[places], found.matches.sign[places]


def _transfer(
    source: ComparedRun, target: ComparedRun, columns: Int[np.ndarray, " some"], sign: Float[np.ndarray, " some"]
) -> Transfer:
    task, chosen = target.task, np.unique(columns[columns >= 0])
    found = set_on_task(task, chosen)
    carried, above_carried = _carried(source, target, columns, sign)
    return Transfer(
        source=source.name,
        target=target.name,
        size=len(chosen),
        neurons=NeuronSet(target.neurons[chosen]),
        score=found.score,
        own=found.own,
        random=found.random,
        by_layer=found.by_layer,
        above_random=found.above_random,
        above_by_layer=found.above_by_layer,
        carried=carried,
        above_carried=above_carried,
    )


def _carried(
    source: ComparedRun, target: ComparedRun, columns: Int[np.ndarray, " some"], sign: Float[np.ndarray, " some"]
) -> tuple[Score | NotMeasured, Cell | NotMeasured]:
    """The source's own probe on the target's rows, where both have the same labels."""
    if source.result.labels != target.result.labels or source.copies != target.copies:
        shown = "; ".join(f"{run.name} has {', '.join(run.result.labels)}" for run in (source, target))
        reason = NotMeasured.because(Reason.OTHER_LABELS, shown)
        return reason, reason
    if (columns < 0).any():
        reason = NotMeasured.because(Reason.OTHER, f"{int((columns < 0).sum())} of the set are dead in {target.name}")
        return reason, reason
    probe, task = source.set_probe, target.task
    place = {number: i for i, number in enumerate(_set_numbers(source))}
    order = np.array([place[number] for number in probe.feature.tolist()], dtype=np.int64)
    scores = carried_scores(probe, task, columns[order], sign[order])
    rng = np.random.default_rng(task.seed)
    draws = [carried_scores(probe, task, *_mixed(rng, columns, sign)) for _ in range(task.draws)]
    return scored(scores, task.bootstrap), above(scores, draws, task.bootstrap, Chance.STRANGERS)


def _set_numbers(source: ComparedRun) -> list[int]:
    chosen = source.chosen
    return [] if isinstance(chosen, NotMeasured) else [source.number[n] for n in chosen]


def _mixed(
    rng: np.random.Generator, columns: Int[np.ndarray, " some"], sign: Float[np.ndarray, " some"]
) -> tuple[Int[np.ndarray, " some"], Float[np.ndarray, " some"]]:
    order = rng.permutation(len(columns))
    return columns[order], sign[order]
