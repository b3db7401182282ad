"""A small hand-made result of a study with every part that the report reads, and its variants."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from neurosieve.results import Difference, NotMeasured, RedundancyResult, Score, Spread
from neurosieve.results.neuron_set import NeuronSet
from neurosieve.results.redundancy_controls import (
    Control,
    FewHeldOut,
    FewUnseen,
    HeldOutTypes,
    Mistake,
    SeenRows,
    Selectivity,
    TypeSelectivity,
    Unseen,
    UnseenRows,
    UntrainedGain,
)
from neurosieve.results.redundancy_parts import (
    Answer,
    Baselines,
    ClassScore,
    LayerZero,
    OracleScores,
    PerClass,
    Question,
    RandomNeurons,
    TextScores,
    TrustEntry,
    UntrainedScores,
)
from neurosieve.results.redundancy_rankings import (
    AgreementRow,
    Choice,
    HalfSets,
    Published,
    PublishedOracle,
    PublishedSet,
    RankingAgreement,
    RankingPair,
    RankingStability,
    StabilityRow,
)
from neurosieve.results.redundancy_sets import (
    ClusterCut,
    CurvePoint,
    LayerCurve,
    LayerPoint,
    NeededSizes,
    ParetoPoint,
    PipelineResult,
    PipelineSet,
    RandomPoint,
    RandomSets,
    SmallestSet,
    UnseenLoss,
)

Record = dict[str, Any]
HOSTILE = "<script>alert(1)</script></script><!-- <b>b</b> %{x} {{ 7*7 }} \u202etxet\x00\x1b[31m"
LONG = "x" * 10_000


def score(value: float, n: int = 40) -> Score:
    return Score(value=value, n=n, interval=(value - 0.05, min(1.0, value + 0.04)))


def classes(*recalls: float | None) -> PerClass:
    return {f"K{i}": ClassScore(n=20, recall=r, precision=r, f1=r) for i, r in enumerate(recalls)}


def spread(mean: float) -> Spread:
    return Spread(mean=mean, median=mean, low=mean - 0.02, high=mean + 0.03)


def selectivity(rows: int) -> Selectivity:
    gain = Difference(value=0.2, interval=(0.1, 0.3))
    return Selectivity(task=0.9, control=0.7, control_range=(0.68, 0.73), selectivity=gain, majority=0.3, rows=rows)


def control() -> Control:
    gain = Difference(value=0.1, interval=(0.02, 0.2))
    return Control(
        majority=0.3, head=selectivity(25), draws=5,
        all=selectivity(40), seen=selectivity(25), minimal_set=selectivity(25),
        by_type=TypeSelectivity(task=0.8, control=0.7, selectivity=gain, types=31),
    )  # fmt: skip


def curves() -> tuple[CurvePoint | RandomPoint, ...]:
    sizes = (1, 10, 100)
    points = [CurvePoint(ranking=n, size=m, validation=0.5, test=score(0.3 + 0.2 * i)) for n in ("lca", "probeless")
              for i, m in enumerate(sizes)]  # fmt: skip
    band = [RandomPoint(ranking="random", size=m, draws=10, test=spread(0.2 + 0.2 * i)) for i, m in enumerate(sizes)]
    return (*points, *band)


# A set's loss, not shown to be what was allowed.
LOSS = Difference(value=0.012, interval=(-0.003, 0.03))


def found_set(ranking: str, size: int) -> SmallestSet:
    return SmallestSet(
        ranking=ranking, delta=0.01, select="point", size=size, size_range=(size, size + 4), validation=0.9,
        test=score(0.88), loss=LOSS, within=False, p_outside=0.4, unseen=UnseenLoss(score=score(0.8, 35), loss=LOSS),
        converged=True, random_same_size=RandomSets(test=spread(0.6), loss=spread(0.3)),
        random_size=NeededSizes(median=30.5, low=20, high=41, ratio=size / 30.5, ratio_range=(0.1, 0.5)),
        neurons=NeuronSet((i % 3, i) for i in range(size)), weights=((0.5, -0.25, 0.0),) * size,
    )  # fmt: skip


def pipeline() -> PipelineResult:
    best = PipelineSet(
        layer_delta=0.01, delta=0.01, layers_kept=1, clustering_threshold=0.3, ranking="lca", size=8,
        reduction=1 - 8 / 300, validation=0.9, test=score(0.87), loss=LOSS, within=False, p_outside=0.4,
        unseen=UnseenLoss(score=score(0.8, 35), loss=LOSS), neurons=NeuronSet((0, i) for i in range(8)),
    )  # fmt: skip
    return PipelineResult(best=best, tried=())


def agreed() -> RankingAgreement:
    rows = (
        AgreementRow(ranking=n, size=10, average_overlap=0.4, neuron_vote=0.3, chance=0.01)
        for n in ("lca", "probeless")
    )
    pair = RankingPair(rankings=("lca", "probeless"), size=10, overlap=0.4)
    return RankingAgreement(neurons=1000, rankings=tuple(rows), pairs=(pair,))


def stable() -> RankingStability:
    row = StabilityRow(ranking="lca", size=10, seeds=1.0, halves=0.7, halves_low=0.6, halves_high=0.8, chance=0.01)
    sizes = Spread(mean=42.0, median=41.0, low=30.0, high=56.0)
    half = HalfSets(ranking="lca", delta=0.01, select="point", size=sizes)
    return RankingStability(draws=2, rankings=(row,), sets=(half,))


def natural() -> UnseenRows:
    gain = Difference(value=0.2, interval=(0.1, 0.3))
    return UnseenRows(
        score=score(0.8, 35),
        token_lookup=TextScores(score=score(0.4, 35)),
        seen=SeenRows(score=score(0.95, 25), per_class=classes(0.9, 1.0, 0.95)),
        untrained=UntrainedGain(score=spread(0.6), gain=gain),
        per_class=classes(0.7, None, 0.9),
    )


def baselines() -> Baselines:
    return Baselines(
        majority=0.33,
        token_lookup=TextScores(score=score(0.6)),
        layer0=LayerZero(score=score(0.7), validation=0.7),
        random_neurons=RandomNeurons(size=6, test=spread(0.5)),
        untrained=UntrainedScores(
            test=spread(0.62), unseen=spread(0.6), seeds=(0, 1, 2), converged=True,
            layers=(spread(0.5), spread(0.6), spread(0.55)),
        ),
    )  # fmt: skip


def layers() -> LayerCurve:
    curve = tuple(LayerPoint(layer=i, validation=0.8, test=score(0.7 + 0.1 * i)) for i in range(3))
    return LayerCurve(independent=curve, incremental=curve)


def full() -> RedundancyResult:
    """Every part has values."""
    answers = (Answer.YES, Answer.NO, Answer.OPEN)
    disjoint = HeldOutTypes(score=spread(0.5), splits=10, n=spread(35.0), majority=spread(0.3))
    return RedundancyResult(
        format=1, headline="98.0 % of 300 neurons can go: 6 stay.", model="models/tiny", revision=None,
        trust=tuple(TrustEntry(key=Question.MAJORITY, question="Above majority?", answer=a, figures="oracle 90.0 %")
                    for a in answers),
        task="token-tagging", metric="accuracy", protocol="sound", layers=3, neurons=300, dead=2,
        labels=("K0", "K1", "K2"), rows={"train": 120, "validation": 40, "test": 40},
        units={"kept": 200, "truncated": 0, "skipped": 3, "empty": 1, "shared_subwords": 0}, long_examples=2,
        oracle=OracleScores(validation=0.91, test=score(0.9), penalty=0.1, converged=True, path=(),
                            per_class=classes(0.8, 0.95, None)),
        baselines=baselines(), unseen=Unseen(natural=natural(), disjoint=disjoint),
        mistakes=(Mistake(text="foo", label="K0", predicted="K1", unseen=True),), control=control(),
        layerwise=layers(), layer_selector={"0.01": 2, "0.02": 1, "0.03": 1},
        cka=((1.0, 0.8, 0.6), (0.8, 1.0, 0.9), (0.6, 0.9, 1.0)), general_rows=120,
        clusters=tuple(ClusterCut(threshold=t, kept=k, dead=2, validation=0.9, test=score(v))
                       for t, k, v in ((0.3, 250, 0.9), (0.6, 90, 0.88), (0.9, 4, 0.4))),
        curves=curves(), minimal_sets=(found_set("lca", 6), found_set("probeless", 9)),
        agreement=agreed(), stability=stable(),
        pareto=tuple(ParetoPoint(source=s, size=m, depth=d, validation=0.9, test=score(v))
                     for s, m, d, v in (("lca", 1, 0, 0.4), ("layers 0–1", 200, 1, 0.9))),
        pipeline=pipeline(), seeds={"study": 0, "random_draws": 10, "bootstrap": 2000},
        notes=("lines of tagged tokens",), seconds={"extract": 1.4}, peak_rss_mb=1024.0,
        versions={"neurosieve": "0.1.0"}, data_hashes={"train.in": "ab" * 32},
    )  # fmt: skip


def changed(result: Any, path: str, value: Any) -> Any:
    """A result with one part another: `unseen.natural.untrained`, `minimal_sets.0.size`."""
    name, _, rest = path.partition(".")
    if isinstance(result, tuple):
        number = int(name)
        new = changed(result[number], rest, value) if rest else value
        return (*result[:number], new, *result[number + 1 :])
    return replace(result, **{name: changed(getattr(result, name), rest, value) if rest else value})


def changed_all(result: RedundancyResult, **parts: Any) -> RedundancyResult:
    """The same with several parts; `__` is written for the point."""
    for path, value in parts.items():
        result = changed(result, path.replace("__", "."), value)
    return result


def nothing(result: RedundancyResult) -> RedundancyResult:
    """At chance: what depends on a sound oracle is not measured."""
    none = NotMeasured.from_text("the oracle is at chance")
    return replace(result, minimal_sets=none, layer_selector=none, pipeline=none, pareto=none)


def untrained(result: RedundancyResult) -> RedundancyResult:
    """No untrained copies were asked for."""
    none = NotMeasured.from_text("left out")
    return changed_all(result, baselines__untrained=none, unseen__natural__untrained=None)


def all_seen(result: RedundancyResult) -> RedundancyResult:
    """Too few unseen rows, no control task, no held-out types."""
    unseen = Unseen(natural=few_unseen("3 unseen rows; at least 30 are needed", n=3), disjoint=few_held_out("no split"))
    return replace(result, unseen=unseen, control=NotMeasured.from_text("no draw was asked for"))


def few_unseen(text: str, n: int) -> FewUnseen:
    return FewUnseen(reason=NotMeasured.from_text(text).reason, text=text, n=n)


def few_held_out(text: str) -> FewHeldOut:
    return FewHeldOut(reason=NotMeasured.from_text(text).reason, text=text, splits=0)


def no_cka(result: RedundancyResult) -> RedundancyResult:
    return replace(result, cka=NotMeasured.from_text("3 rows; at least 4 are needed"))


def one_layer(result: RedundancyResult) -> RedundancyResult:
    """Embeddings alone, and a pipeline that finds nothing."""
    first = result.layerwise.independent[:1]
    sets = tuple(replace(s, neurons=NeuronSet((0, i) for i in range(s.size))) for s in result.sets)
    way = PipelineResult(best=NotMeasured.from_text("no way stays within its delta"), tried=())
    return changed_all(
        result, layers=1, cka=((1.0,),), layer_selector={"0.01": 0}, pipeline=way, minimal_sets=sets,
        layerwise=LayerCurve(independent=first, incremental=first), baselines__untrained__layers=(spread(0.5),),
    )  # fmt: skip


def imported(result: RedundancyResult) -> RedundancyResult:
    """Activations made elsewhere: there is no model, so no untrained copies."""
    return replace(untrained(result), model="")


def published(result: RedundancyResult) -> RedundancyResult:
    """The study's choices next to the sound ones."""
    choices = (
        Choice(choice="best of 15", figure="oracle accuracy", sound=0.9, published=0.912, moved=0.012),
        Choice(choice="keyword list", figure="rows", sound=None, published=None, moved=None, reason="no such class"),
    )
    found = Published(
        protocol="published", oracle=PublishedOracle(test=0.91, l1=0.01, l2=0.01, grid=(0.01,)),
        minimal_set=PublishedSet(size=5, test=0.9, reduction=1 - 5 / 300), choices=choices,
    )  # fmt: skip
    return replace(result, protocol="published", published=found)


def hostile(result: RedundancyResult) -> RedundancyResult:
    """Texts of the data and names that a user chose hold markup, scripts, control characters."""

    def named(scores: Any) -> PerClass:
        return {HOSTILE if name == "K0" else name: found for name, found in scores.items()}

    assert isinstance(result.unseen.natural, UnseenRows)
    assert result.unseen.natural.seen
    mistakes = tuple(Mistake(text=t, label=HOSTILE, predicted="K1", unseen=False) for t in (HOSTILE, LONG))
    assert isinstance(result.pareto, tuple)
    return changed_all(
        result, model=HOSTILE, headline=HOSTILE, labels=(HOSTILE, "K1", "K2"), notes=(HOSTILE, LONG),
        mistakes=mistakes, oracle__per_class=named(result.oracle.per_class), data_hashes={HOSTILE: "cd" * 32},
        unseen__natural__per_class=named(result.unseen.natural.per_class),
        unseen__natural__seen__per_class=named(result.unseen.natural.seen.per_class),
        pareto=tuple(replace(point, source=HOSTILE) for point in result.pareto),
    )  # fmt: skip


VARIANTS: dict[str, Callable[[RedundancyResult], RedundancyResult]] = {
    f.__name__: f for f in (nothing, untrained, all_seen, no_cka, one_layer, imported, published, hostile)
}


def result_of(variant: str) -> RedundancyResult:
    return full() if variant == "full" else VARIANTS[variant](full())


NAMES = ("full", *VARIANTS)
