"""Small hand-made results of edits with every part that the report reads, and their variants."""

from collections.abc import Callable
from dataclasses import replace

from neurosieve.results import Difference, InterventionResult, NotMeasured, Reason, Score
from neurosieve.results.interventions import (
    EditKind,
    Effect,
    EffectScore,
    Erasure,
    Guess,
    Loss,
    Mass,
    Matching,
    PredictionEffects,
    Probability,
    ProbeScore,
    ShownPrediction,
    Side,
    TaskEffect,
    Turned,
)
from neurosieve.results.neuron_set import NeuronSet
from neurosieve.typing import NeuronId
from tests.report.records import HOSTILE


def effect(score: EffectScore, value: float, *, claimed: bool) -> Effect:
    above = Difference(value=value, interval=(value - 0.05, value + 0.04))
    here = Side(
        base=Score(value=0.8, n=60, interval=(0.7, 0.9)),
        edited=0.8 - value,
        drop=Difference(value=value, interval=(value - 0.04, value + 0.05)),
        random=0.01,
        random_95=0.03,
        effect=above,
    )
    elsewhere = replace(here, base=replace(here.base, n=500), drop=Difference(value=0.02, interval=(0.0, 0.03)))
    lacking = "" if claimed else "interval [-2.0, 7.0] points holds 0"
    return Effect(score=score, here=here, elsewhere=elsewhere, effect=above, claimed=claimed, lacking=lacking)


def predictions(*, claimed: bool) -> PredictionEffects:
    shown = ShownPrediction(
        example="a.py", line=2, before_text="def f(x):\n    y = ", token="12", after_text="\n    return y",
        has_value=True, base=(Guess("12", 0.8), Guess(" x", 0.1)), edited=(Guess(" x", 0.6),),
    )  # fmt: skip
    turned = Difference(value=0.29, interval=(0.2, 0.35))
    return PredictionEffects(
        effects=(
            effect("property", 0.2 if claimed else 0.03, claimed=claimed),
            effect("exact", 0.03, claimed=False),
        ),
        windows=40,
        turned=Turned(n=500, base=0.02, edited=0.32, random=0.03, effect=turned, claimed=True),
        loss=Loss(n=560, base=1.5, edited=1.9, random=1.52, random_95=1.6),
        mass=Mass(
            here=Probability(base=0.7, edited=0.4, random=0.69),
            elsewhere=Probability(base=0.02, edited=0.03, random=0.02),
        ),
        examples=(shown,),
    )


def on_the_probe() -> TaskEffect:
    return TaskEffect(
        score="accuracy",
        base=Score(value=0.9, n=40, interval=(0.8, 0.95)),
        edited=0.7,
        drop=Difference(value=0.2, interval=(0.1, 0.3)),
        random_sets=100,
        random=0.01,
        random_95=0.03,
        effect=Difference(value=0.19, interval=(0.1, 0.3)),
        rows_note="all 40 test rows",
    )


def erasure() -> Erasure:
    scored, gone = ProbeScore(score=0.95, interval=(0.9, 0.98)), ProbeScore(score=0.5, interval=(0.4, 0.6))
    return Erasure(layer=1, rank=1, n=100, majority=0.5, before=scored, after=gone, control=scored)


def intervention(edit: EditKind, *, claimed: bool) -> InterventionResult:
    no_probe = NotMeasured(reason=Reason.OTHER, text="no probe of this run")
    return InterventionResult(
        format=1,
        options={},
        concept="lexical=number",
        edit=edit,
        how="mean" if edit == "ablate" else None,
        at="all" if edit == "ablate" else "predicted",
        site="mlp",
        model="models/tiny",
        neurons=NeuronSet([(1, 0), (2, 4)]),
        share=2 / 300,
        layers=(0, 1, 1),
        chosen_by="validation, of 9 candidates made from train",
        random_sets=100,
        matching=Matching(
            by="variance", caliper=2.0, worst=1.95, median=1.08, sets=100, distinct_sets=57,
            unmatched=(NeuronId(1, 3), NeuronId(2, 7)),
        ),
        predictions=predictions(claimed=claimed),
        probe=on_the_probe() if edit == "ablate" else no_probe,
        head=NotMeasured(reason=Reason.NO_HEAD, text=Reason.NO_HEAD.value),
        erasure=erasure() if edit == "erase" else None,
        versions={"neurosieve": "0.1.0"},
    )  # fmt: skip


def measured(result: InterventionResult) -> PredictionEffects:
    """What it did to predictions."""
    assert isinstance(result.predictions, PredictionEffects)
    return result.predictions


def on_the_task_alone(edit: EditKind) -> InterventionResult:
    """Predictions were not measured."""
    left_out = NotMeasured(reason=Reason.LEFT_OUT, text="left out by --no-predictions")
    return replace(intervention(edit, claimed=True), predictions=left_out)


def of_old(edit: EditKind) -> InterventionResult:
    """As it was before random edits were reported with how near they are, and drops with intervals."""
    result = intervention(edit, claimed=True)
    found = measured(result)
    effects = tuple(replace(e, here=_undecided(e.here), elsewhere=_undecided(e.elsewhere)) for e in found.effects)
    return replace(result, matching=None, predictions=replace(found, effects=effects))


def _undecided(side: Side) -> Side:
    return replace(side, drop=replace(side.drop, interval=None))


def in_one_file(edit: EditKind) -> InterventionResult:
    """All held-out units are in one file."""
    result, lacking = intervention(edit, claimed=False), "not measured: all units are in one file"
    found = measured(result)

    def side(one: Side) -> Side:
        base, net = replace(one.base, interval=None), replace(one.effect, interval=None)
        return replace(_undecided(one), base=base, effect=net)

    def bare(value: float, score: EffectScore) -> Effect:
        one = effect(score, value, claimed=False)
        net = replace(one.effect, interval=None)
        return replace(one, here=side(one.here), elsewhere=side(one.elsewhere), effect=net, lacking=lacking)

    turned = replace(found.turned, effect=replace(found.turned.effect, interval=None), claimed=False, lacking=lacking)
    effects = (bare(0.2, "property"), bare(0.1, "exact"))
    return replace(
        result,
        predictions=replace(found, effects=effects, turned=turned),
        probe=_task_in_one_file(result.probe),
        erasure=None if result.erasure is None else _erasure_in_one_file(result.erasure),
    )


def _task_in_one_file(task: TaskEffect | NotMeasured) -> TaskEffect | NotMeasured:
    if isinstance(task, NotMeasured):
        return task
    return replace(
        task,
        base=replace(task.base, interval=None),
        drop=replace(task.drop, interval=None),
        effect=replace(task.effect, interval=None),
    )


def _erasure_in_one_file(gone: Erasure) -> Erasure:
    before, after, control = (replace(probe, interval=None) for probe in (gone.before, gone.after, gone.control))
    return replace(gone, before=before, after=after, control=control)


# An edit of either outcome, by what it is.
EDITS: dict[str, Callable[[EditKind], InterventionResult]] = {
    "claimed": lambda edit: intervention(edit, claimed=True),
    "not claimed": lambda edit: intervention(edit, claimed=False),
    "task alone": on_the_task_alone,
    "old": of_old,
    "one file": in_one_file,
}


def interventions_of(variant: str) -> list[InterventionResult]:
    kinds: tuple[EditKind, ...] = ("ablate", "erase")
    first, second = (intervention(edit, claimed=variant != "nothing") for edit in kinds)
    if variant != "hostile":
        return [first, second]
    found = measured(first)
    shown = replace(found.examples[0], example=HOSTILE, before_text=HOSTILE, token=HOSTILE, base=(Guess(HOSTILE, 0.5),))
    return [replace(first, concept=HOSTILE, predictions=replace(found, examples=(shown,))), second]
