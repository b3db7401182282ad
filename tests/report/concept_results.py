"""Small hand-made results of concepts with every part that the report reads, and their variants."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar

from neurosieve.results import ConceptResult, Difference, NotMeasured, Reason, Score
from neurosieve.results.concept_counts import TextCounts, TokenCounts
from neurosieve.results.concept_evidence import Alike, Context, Densities, Evidence, Token
from neurosieve.results.concepts import (
    Bounds,
    Concept,
    ConceptFindings,
    ConceptNeuron,
    UnseenRows,
)
from neurosieve.results.latent_clusters import AlignedShare, Alignment, AlignmentRule, LatentClusters, Unlabelled
from neurosieve.results.measured import Spread
from neurosieve.results.neuron_groups import (
    NeuronGroups,
    OracleScore,
    PropertyGroup,
    RandomScores,
    SearchedSizes,
    ServedProperties,
    ServingNeuron,
    SetLayers,
    SetSharing,
    SharedNeurons,
    SharingPair,
    SmallestGroup,
    ValueSet,
)
from neurosieve.results.neuron_set import NeuronSet
from neurosieve.results.whole_texts import (
    Explained,
    ExplainingLabel,
    ExplainingProperty,
    Snippet,
    TextFindings,
    TextNeuron,
)
from neurosieve.typing import NeuronId, View
from tests.report.records import HOSTILE, LONG

LAYERS = 3
P = TypeVar("P")


def found_neuron(layer: int, index: int, ap: float, *, claimed: bool, low: bool = False) -> ConceptNeuron:
    bounds = Bounds(
        auroc_interval=(0.93, 0.98),
        difference=Difference(value=ap - 0.5, interval=(ap - 0.58, ap - 0.42) if claimed else None),
        above_half=ap - 0.83 if claimed else None,
        note="above a table of texts only there" if low else "",
    )
    return ConceptNeuron(
        neuron=NeuronId(layer, index), low=low, train_auroc=0.97, train_ap=ap, auroc=0.96, ap=ap,
        interval=(ap - 0.1, min(1.0, ap + 0.05)), iou=0.6, effect=2.0, z=9.0, q=0.001, selectivity=0.9, p=0.001,
        unseen_ap=None if low else ap - 0.05, claimed=claimed, lacking="" if claimed else f"AP on train {ap:.2f} < 0.8",
        bounds=bounds,
    )  # fmt: skip


def concept(view: View, name: str, value: str, *neurons: ConceptNeuron, rival: float = 0.5) -> Concept:
    rivals = {"column": 0.2, "length": None, "frequency": 0.1, "lookup": rival, "untrained": 0.1}
    return Concept(
        view=view, property_name=name, value=value, train=80, test=50, base=0.05, rivals=rivals,
        unseen=UnseenRows(31, 0.04), neurons=neurons, layers=(0.6, 0.9, 0.7),
    )  # fmt: skip


def concept_view(view: View) -> ConceptFindings:
    called = [found_neuron(1, i, 0.95 - 0.02 * i, claimed=True, low=i % 2 == 1) for i in range(5)]
    weak = found_neuron(2, 7, 0.4, claimed=False)
    found = (
        concept(view, "lexical", "number", *called),
        concept(view, "lexical", "keyword", weak, rival=0.97),
        concept(view, "naming", "UPPER_CASE", called[0] if view == "detect" else weak, rival=0.1),
    )
    left_out = {"language": "one value only (python)", "node=class": "28 rows"}
    rows, files = {"train": 1000, "test": 900}, {"train": 9, "test": 7}
    return ConceptFindings(view=view, rows=rows, files=files, concepts=found, left_out=left_out, untrained_reason="")


def sharing(*names: str) -> SetSharing:
    pair = SharingPair(a=names[0], b=names[-1], shared=4, jaccard=0.31, expected=0.05, p=1e-5, q=0.0004)
    overlaps = SharedNeurons(
        names=names, sizes=(8, 8), live=300, jaccard=((1.0, 0.31), (0.31, 1.0)), expected=((1.0, 0.05), (0.05, 1.0)),
        tested=1, above_chance=1, pairs=(pair,),
    )  # fmt: skip
    most = ServingNeuron(neuron=NeuronId(1, 0), sets=names)
    spread = SetLayers(
        name="", mean=1.2, expected_mean=1.0, entropy=0.5, expected_entropy=1.4, counts=(1, 7, 0),
        share=(0.125, 0.875, 0.0), uniform=(0.33, 0.33, 0.34),
    )  # fmt: skip
    return SetSharing(
        overlaps=overlaps,
        polysemy=ServedProperties(neurons=(288, 8, 4), chance=(284.4, 15.2, 0.4), most=(most,)),
        spread=tuple(replace(spread, name=name) for name in names),
    )


def group(view: View) -> NeuronGroups:
    test, neurons = Score(value=0.9, n=100, interval=(0.85, 0.94)), NeuronSet([(1, 0)])
    smallest = SmallestGroup(
        size=8, validation=0.9, test=test, converged=True, test_loss=Difference(value=0.01, interval=(-0.02, 0.04)),
        random_same_size=RandomScores(test=Spread(mean=0.6, low=0.5, high=0.7), draws=10),
        random_size=SearchedSizes(median=41.0, low=20, high=60, ratio=0.2, draws=3), neurons=neurons,
    )  # fmt: skip
    found = PropertyGroup(
        property="lexical", values=("number", "keyword"), rows={"train": 200, "test": 100}, live=300, majority=0.5,
        lookup=0.8 if view == "detect" else None, oracle=OracleScore(validation=0.9, converged=True, test=test),
        smallest=smallest, reason="", carriers=(ValueSet(name="lexical=number", neurons=neurons),),
    )  # fmt: skip
    why = "the oracle, 0.480 at least, is not above the majority, 0.500"
    none = replace(found, property="naming", smallest=None, reason=why, carriers=())
    return NeuronGroups(
        view=view, delta=0.01, select="point", mass=0.5, sets=(found, none), left_out={"language": "one value only"},
        properties=sharing("lexical", "role"), values=sharing("lexical=number", "role=call"),
    )  # fmt: skip


def token(text: str = "def f(x):\n    y = 12\n    return y\n", word: str = "12", label: str = "number") -> Token:
    start = text.index(word)
    context = Context(example="a.py", line=2, text=text, start=start, end=start + len(word))
    return Token(value=4.25, label=label, token=word, context=context)


def evidence() -> Evidence:
    own = (0.0, 0.1, 0.4)
    densities = Densities(
        rows={"with": 50, "without": 850, "lexical=number": 50}, edges=(-2.0, 0.0, 2.0, 4.0), with_value=own,
        without=(0.3, 0.2, 0.0), classes={"lexical=number": own},
    )  # fmt: skip
    return Evidence(
        description="1:0 is high on numbers.", neuron=NeuronId(1, 0), name="lexical=number", low=False,
        top=tuple(token() for _ in range(4)), typical=(token(),), other=(), densities=densities,
        alike=(Alike(neuron=NeuronId(1, 4), r=-0.61),),
    )  # fmt: skip


def latent(layer: int, aligned: int = 9) -> LatentClusters:
    share = AlignedShare(
        property_name="lexical", clusters=20, found=12, aligned=aligned, chance=0.01, chance_words=0.2, coverage=0.4,
        identity=3,
    )  # fmt: skip
    words, contexts = (("self", 20), ("cls", 13)), (("def f(", "self", "):"),)
    alignment = Alignment(
        layer=layer, k=50, rule=AlignmentRule(), aligned=(),
        properties=(share, replace(share, property_name="naming", aligned=2)),
        unlabelled=(Unlabelled(cluster=4, rows=33, types=2, words=words, contexts=contexts),),
    )  # fmt: skip
    return LatentClusters(
        alignment=alignment, moved=0.1, rows={"train": 1000, "test": 900}, unlabelled_clusters=31,
        files={"conceptnet": "layer-0-clusters-50.json"}, files_reason=None,
    )  # fmt: skip


def r2(value: float) -> Explained:
    return Explained(value=value, interval=(value - 0.05, value + 0.05))


def gain(value: float) -> Difference:
    return Difference(value=value, interval=(value - 0.05, value + 0.05))


def explained() -> TextFindings:
    snippet = Snippet(id="17", label="1", value=3.5, text="def f():\n    return 1", cut="2 of 9 lines")
    no_label = ExplainingLabel(r2=None, gain=None, values=(), reason="labels of pairs")
    loops = TextNeuron(
        layer=2, index=9, rank=1, verdict="by loops (R² 0.41, 0.20 above length)", explained_by=("loops",),
        length=r2(0.2), together=r2(0.5), label=no_label,
        properties=(ExplainingProperty(property="loops", r2=r2(0.41), gain=gain(0.2), explains=True),), values=(),
        highest=(snippet,), lowest=(replace(snippet, label=None, cut=None),),
    )  # fmt: skip
    other = TextNeuron(
        layer=0, index=3, rank=2, verdict="not explained", explained_by=(), length=r2(0.02), together=r2(0.03),
        label=ExplainingLabel(r2=r2(0.1), gain=gain(0.05), values=()), properties=(), values=(), highest=(), lowest=(),
    )  # fmt: skip
    return TextFindings(
        rule="explained by a property: R² alone >= 0.1, all on test", texts={"train": 100, "test": 60},
        groups={"train": 90, "test": 60}, with_errors=0, left_out={}, rare={}, dead=(), notes=(),
        neurons=(loops, other),
    )  # fmt: skip


def concepts() -> ConceptResult:
    """Every part has values."""
    views: tuple[View, ...] = ("detect", "predict")
    return ConceptResult(
        format=1, model="models/tiny", revision=None, site="mlp", task="token-tagging", layers=LAYERS, neurons=300,
        texts=TextCounts(read=16, with_errors=1, framed=2), tokens=TokenCounts(read=1900, in_error=5),
        views={view: concept_view(view) for view in views}, groups=group("detect"),
        evidence={"detect": (evidence(),)}, latent=(latent(0), latent(1, 4)), examples=explained(),
        notes=("16 python source files", "language by the endings of the files: python"),
        options={"language": None, "tokens": [40, 10, 20]}, seed=3, seconds={"concepts: detect": 1.5},
        peak_rss_mb=2048.0, versions={"neurosieve": "0.1.0"}, data_hashes={"files": "ef" * 32},
    )  # fmt: skip


def present(part: P | NotMeasured | None) -> P:
    """A part that was measured."""
    assert part is not None
    assert not isinstance(part, NotMeasured)
    return part


def with_concepts(result: ConceptResult, change: Callable[[Concept], Concept]) -> ConceptResult:
    """Each concept of each view changed."""
    views = {n: replace(v, concepts=tuple(map(change, v.concepts))) for n, v in result.views.items()}
    return replace(result, views=views)


def nothing(result: ConceptResult) -> ConceptResult:
    """No neuron is called, and no further part has values."""
    none = NotMeasured(reason=Reason.OTHER, text="no property has enough rows")
    weak = (found_neuron(0, 1, 0.06, claimed=False),)
    result = with_concepts(result, lambda c: replace(c, neurons=weak))
    return replace(result, groups=none, evidence=none, latent=none, examples=none)


def bare(result: ConceptResult) -> ConceptResult:
    """Claims alone, one view, nothing left out; no word of further parts, as the first versions had it."""
    detect = replace(result.views["detect"], left_out={}, untrained_reason="left out by untrained_seeds: 0")
    return replace(result, views={"detect": detect}, groups=None, evidence=None, latent=None, examples=None)


def earlier(result: ConceptResult) -> ConceptResult:
    """Found by a version that had no intervals of AUROC and differences, and fewer rivals."""

    def old(c: Concept) -> Concept:
        rivals = {"position": 0.2, "length": None, "frequency": 0.1, "lookup": c.rivals["lookup"]}
        return replace(c, rivals=rivals, neurons=tuple(replace(n, bounds=None) for n in c.neurons))

    result = with_concepts(result, old)
    return replace(result, views={n: replace(v, untrained_reason=None) for n, v in result.views.items()})


def nameless(result: ConceptResult) -> ConceptResult:
    """Groups without a set."""
    groups, none = present(result.groups), sharing("a", "b")
    none = SetSharing(
        overlaps=replace(none.overlaps, pairs=(), tested=0, above_chance=0),
        polysemy=ServedProperties(neurons=(300,), chance=(300.0,), most=()),
        spread=(),
    )
    return replace(result, groups=replace(groups, properties=none, values=none, sets=groups.sets[1:], left_out={}))


def hostile(result: ConceptResult) -> ConceptResult:
    """Names, labels and code hold markup, scripts and control characters."""
    views = {
        name: replace(
            view,
            concepts=(replace(view.concepts[0], value=HOSTILE, property_name=HOSTILE), *view.concepts[1:]),
            left_out={HOSTILE: HOSTILE},
        )
        for name, view in result.views.items()
    }
    groups, (first, *cuts), found = present(result.groups), present(result.latent), present(result.examples)
    card = replace(
        evidence(), name=HOSTILE, description=HOSTILE, top=(token(f"x\n{HOSTILE}\n{LONG}", HOSTILE, HOSTILE),)
    )
    cluster = replace(first.alignment.unlabelled[0], words=((HOSTILE, 2),), contexts=((HOSTILE, HOSTILE, LONG),))
    first = replace(first, alignment=replace(first.alignment, unlabelled=(cluster,)))
    snippet = replace(found.neurons[0].highest[0], id=HOSTILE, label=HOSTILE, text=HOSTILE + LONG)
    shared = sharing(HOSTILE, "role")
    return replace(
        result,
        model=HOSTILE,
        notes=(HOSTILE, LONG),
        views=views,
        evidence={"detect": (card,)},
        latent=(first, *cuts),
        examples=replace(found, neurons=(replace(found.neurons[0], highest=(snippet,)), *found.neurons[1:])),
        groups=replace(
            groups,
            properties=shared,
            values=shared,
            sets=(replace(groups.sets[0], property=HOSTILE), *groups.sets[1:]),
            left_out={HOSTILE: HOSTILE},
        ),
    )


VARIANTS: dict[str, Callable[[ConceptResult], ConceptResult]] = {
    f.__name__: f for f in (nothing, bare, earlier, nameless, hostile)
}


def concepts_of(variant: str) -> ConceptResult:
    return concepts() if variant == "full" else VARIANTS[variant](concepts())


KINDS: tuple[Any, ...] = ("full", *VARIANTS)
