"""What two runs of one model have in common neuron by neuron: sets, orders, depths, roles, transfers, concepts."""

import numpy as np
from jaxtyping import Bool, Int

from neurosieve.comparison.kept_claims import kept_claims
from neurosieve.comparison.label_roles import LabelledRows, roles_of_two
from neurosieve.comparison.shares import share_interval
from neurosieve.rankings.order_likeness import order_likeness
from neurosieve.results.comparison_parts import (
    Cell,
    Chance,
    DepthShift,
    KeptConcepts,
    Relation,
    RoleChange,
    Roles,
    SharedNeurons,
    cell,
)
from neurosieve.results.measured import NotMeasured, Reason
from neurosieve.results.neuron_set import NeuronSet
from neurosieve.statistics.overlap_laws import set_overlap
from neurosieve.statistics.set_depths import depth_distance
from neurosieve.studies.compare.compared_run import ComparedRun
from neurosieve.studies.compare.relations import Pair
from neurosieve.studies.finished import read_concepts_of


def sets_of(pair: Pair) -> tuple[NeuronSet, NeuronSet] | NotMeasured:
    """The smallest sets of both, or why one has none."""
    a, b = pair.a.chosen, pair.b.chosen
    if isinstance(a, NotMeasured):
        return a
    return b if isinstance(b, NotMeasured) else (a, b)


def one_model(pair: Pair) -> NotMeasured | None:
    """Why neurons cannot be told by their numbers; None where they can."""
    return NotMeasured.because(Reason.OTHER_MODEL) if pair.relation is Relation.OTHER else None


def shared_part(pair: Pair) -> SharedNeurons | NotMeasured:
    """Overlap of the smallest sets among neurons that are alive in both."""
    sets = one_model(pair) or sets_of(pair)
    if isinstance(sets, NotMeasured):
        return sets
    alive = pair.a.number.keys() & pair.b.number.keys()
    a, b = (NeuronSet(n for n in own if n in alive) for own in sets)
    live = np.bincount([layer for layer, _ in alive], minlength=pair.a.result.layers).tolist()
    found = set_overlap(a, b, live)
    interval = share_interval(found.shared, len(a | b))
    uniform, by_layer = (
        cell(found.jaccard, interval, chance.jaccard, chance.interval, by)
        for chance, by in ((found.uniform, Chance.LIVE), (found.by_layer, Chance.LAYERS))
    )
    return SharedNeurons(size_a=len(a), size_b=len(b), neurons=a & b, uniform=uniform, by_layer=by_layer)


def order_part(pair: Pair) -> Cell | NotMeasured:
    """Rank correlation of the first ranking that is in both runs."""
    if (other := one_model(pair)) is not None:
        return other
    names = [one.name for one in pair.a.selection.rankings if pair.b.ranking(one.name)]
    if not names:
        rankings = (f"{run.name} has {', '.join(r.name for r in run.selection.rankings)}" for run in (pair.a, pair.b))
        return NotMeasured.because(Reason.OTHER_RANKINGS, ", ".join(rankings))
    a, b = pair.a.ranking(names[0]), pair.b.ranking(names[0])
    assert a is not None and b is not None  # noqa: S101, PT018 - the name is of both
    found = order_likeness(a, b, pair.a.options.seed)
    return cell(found.value, found.interval, found.chance, found.chance_interval, Chance.LAYERS)


def depth_part(pair: Pair) -> DepthShift | NotMeasured:
    """Shift of the layers; models of other depth are compared by the share of their depth."""
    sets = sets_of(pair)
    if isinstance(sets, NotMeasured):
        return sets
    a, b = (
        np.array([n.layer / max(run.result.layers - 1, 1) for n in own])
        for run, own in zip((pair.a, pair.b), sets, strict=True)
    )
    found = depth_distance(a, b, pair.a.options.seed)
    distance = cell(found.value, found.interval, found.chance, found.chance_interval, Chance.SIDES)
    return DepthShift(mean_a=float(a.mean()), mean_b=float(b.mean()), distance=distance)


def roles_part(pair: Pair) -> Roles | NotMeasured:
    """Neurons of either set that tell another label in the second run, by labels that both runs have."""
    sets = one_model(pair) or sets_of(pair)
    if isinstance(sets, NotMeasured):
        return sets
    labels = common_labels([pair.a, pair.b])
    if isinstance(labels, NotMeasured):
        return labels
    either = NeuronSet(n for n in sets[0] | sets[1] if n in pair.a.number and n in pair.b.number)
    rows = [labelled(run, labels, numbers(run, either)) for run in (pair.a, pair.b)]
    found = roles_of_two(*rows)
    certain, changed = int(found.certain.sum()), int(found.changed.sum())
    chance, by_chance = found.chance
    interval = share_interval(changed, certain) if found.by_halves else None
    figure = cell(changed / max(certain, 1), interval, chance, by_chance, Chance.HALVES)
    return Roles(
        labels=labels,
        other_labels=tuple(sorted(set(pair.a.result.labels) ^ set(pair.b.result.labels))),
        neurons=len(either),
        certain=certain,
        changed=figure,
        changes=tuple(
            RoleChange(neuron=either[i], a=_role(labels, int(found.a[i])), b=_role(labels, int(found.b[i])))
            for i in np.flatnonzero(found.changed).tolist()
        ),
    )


def _role(labels: tuple[str, ...], role: int) -> str:
    return f"{'+' if role > 0 else '−'}{labels[abs(role) - 1]}"


def common_labels(runs: list[ComparedRun]) -> tuple[str, ...] | NotMeasured:
    """Names of classes that all runs have; not measured where these are fewer than two."""
    if any(run.selection.scaler.target for run in runs):
        return NotMeasured.because(Reason.OF_VALUES)
    if any(run.copies > 1 for run in runs):
        return NotMeasured.because(Reason.OF_PAIRS)
    named = [set(run.result.labels) for run in runs]
    both = set.intersection(*named)
    if len({run.config.task for run in runs}) > 1:
        tasks = ", ".join(f"{run.name} is of {run.config.task}" for run in runs)
        return NotMeasured.because(Reason.OTHER_LABELS, tasks)
    if len(both) < 2:
        shown = "; ".join(f"{run.name} has {', '.join(run.result.labels)}" for run in runs)
        return NotMeasured.because(Reason.OTHER_LABELS, shown)
    return tuple(sorted(both))


def labelled(run: ComparedRun, labels: tuple[str, ...], chosen: Int[np.ndarray, " some"]) -> LabelledRows:
    """A run's test rows that have one of the labels in common."""
    test = run.test
    kept: Bool[np.ndarray, " rows"] = np.isin([test.labels[c] for c in test.label], labels)
    label = np.array([labels.index(test.labels[c]) for c in test.label[kept]])
    x = test.x.numpy()[chosen][:, kept]
    return LabelledRows(x, label, len(labels), test.group[kept], run.options.seed)


def numbers(run: ComparedRun, neurons: NeuronSet) -> Int[np.ndarray, " some"]:
    """Numbers of a run's live neurons."""
    return np.array([run.number[n] for n in neurons if n in run.number], dtype=np.int64)


def concepts_part(pair: Pair) -> KeptConcepts | NotMeasured:
    """Neurons claimed for a value in the first run that are claimed in the second too."""
    if (other := one_model(pair)) is not None:
        return other
    found = [read_concepts_of(run.folder) for run in (pair.a, pair.b)]
    lacking = [run.name for run, result in zip((pair.a, pair.b), found, strict=True) if result is None]
    a, b = found
    if a is None or b is None:
        return NotMeasured.because(Reason.NO_CONCEPTS, " and ".join(lacking))
    return kept_claims(a, b)
