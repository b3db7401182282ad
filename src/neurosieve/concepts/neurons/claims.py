"""Which neurons hold a concept: found on train files, claimed on held-out files, above bounds and rivals (METHOD.md).

Found: among the 50 live neurons of the highest average precision on train, in the direction that they have there.
Called a neuron of the concept: on train AP ≥ 0.8, AUROC ≥ 0.9 and a difference between files that Benjamini–Hochberg
over all neurons and values lets pass; on test, all by lower bounds of intervals over files, the same AP and AUROC, and
an AP above the rival that is best there, by 0.1 or by half of what that leaves. Candidates are sifted by scores from
bins; those that pass are measured again on their exact values.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import polars as pl
from jaxtyping import Float

from neurosieve.concepts.neurons.claiming import Claiming, Found
from neurosieve.concepts.neurons.copy_scores import best_untrained
from neurosieve.concepts.neurons.held_out import HeldOut, neuron_ids
from neurosieve.concepts.neurons.passes import split_scores, spread_of, values_with_rows
from neurosieve.concepts.neurons.resampling import Interval
from neurosieve.concepts.neurons.rivals import Rivals
from neurosieve.concepts.rows import ConceptStore
from neurosieve.errors import DataError
from neurosieve.typing import NeuronId, View

MIN_ROWS = 30
STRONGEST = 50
SHOWN = 10


@dataclass(frozen=True)
class ConceptNeuron:
    """A neuron's scores for one value on held-out files, in the direction found on train.

    Attributes:
        neuron: Its id.
        low: It is low where the value is.
        train_auroc: On the files it was found on.
        train_ap: The same.
        auroc: On held-out files.
        ap: Average precision there.
        interval: Of `ap`, 95 %, by files; None where there is none.
        iou: With the rows beyond the best threshold.
        effect: Difference of means in standard deviations; None where the neuron does not vary.
        z: Difference of means over its standard error between files.
        q: Benjamini–Hochberg of z over all neurons and values.
        selectivity: AUROC among rows with some value of the property; None where these are all rows with the value.
        p: Of `auroc`, by shifting the value's rows in circles within each file.
        unseen_ap: Average precision on rows whose text is absent from train; None with fewer than 30 of either kind.
        claimed: It is called a neuron of the concept.
        lacking: What it lacks for that, in words; empty where it is claimed.
        auroc_interval: Of `auroc`, as `interval`.
        difference: `ap` less the best rival's.
        difference_interval: Of that, 95 %, paired by files; None where it was not needed.
        above_half: Lower bound of AP − (1 + rival's AP) / 2: not below 0 where it takes half of what the rival leaves.
        note: What a claim owes to texts that train does not have; empty where it does not.
    """

    neuron: NeuronId
    low: bool
    train_auroc: float
    train_ap: float
    auroc: float
    ap: float
    interval: Interval | None
    iou: float
    effect: float | None
    z: float | None
    q: float | None
    selectivity: float | None
    p: float
    unseen_ap: float | None
    claimed: bool
    lacking: str
    auroc_interval: Interval | None = None
    difference: float | None = None
    difference_interval: Interval | None = None
    above_half: float | None = None
    note: str = ""


@dataclass(frozen=True)
class Concept:
    """What was found for one value of a property in one view.

    Attributes:
        view: `detect` or `predict`.
        property_name: Of the property.
        value: One of its values.
        train: Rows with the value on train.
        test: Rows with it on test.
        base: Their share of all test rows: the AP of a guess.
        rivals: Average precision of each rival on test.
        unseen: Test rows with the value whose text is absent from train, and the share of these among all such rows.
        neurons: The claimed ones, then the strongest others by train, `SHOWN` in all unless more are claimed.
        layers: The highest AUROC of a layer's neurons on test among those with the highest on train, for each layer.
    """

    view: View
    property_name: str
    value: str
    train: int
    test: int
    base: float
    rivals: Mapping[str, float]
    unseen: tuple[int, float]
    neurons: tuple[ConceptNeuron, ...]
    layers: tuple[float, ...]

    @property
    def name(self) -> str:
        """`property=value`."""
        return f"{self.property_name}={self.value}"

    @property
    def rival(self) -> tuple[str, float]:
        """The rival of the highest average precision on test, and that."""
        name = max(self.rivals, key=self.rivals.__getitem__)
        return name, self.rivals[name]

    @property
    def claimed(self) -> tuple[ConceptNeuron, ...]:
        """Neurons that are called neurons of this concept."""
        return tuple(n for n in self.neurons if n.claimed)


@dataclass(frozen=True)
class ConceptFindings:
    """All values in one view.

    Attributes:
        view: `detect` or `predict`.
        rows: Of train and test.
        files: Clusters of rows in train and test.
        concepts: One for each value with enough rows, in the order of the properties.
        left_out: Values and properties that were not looked for, and why.
        untrained_reason: Why no untrained copy is among the rivals; empty where it is.
    """

    view: View
    rows: Mapping[str, int]
    files: Mapping[str, int]
    concepts: tuple[Concept, ...]
    left_out: Mapping[str, str]
    untrained_reason: str = "found by an earlier version"

    def to_frame(self) -> pl.DataFrame:
        """One row a value and neuron shown: its scores beside the base rate and the best rival's."""
        rows: list[dict[str, Any]] = []
        for c in self.concepts:
            about = {"view": c.view, "property": c.property_name, "value": c.value, "n": c.test, "base": c.base}
            for n in c.neurons:
                own = {k: v for k, v in vars(n).items() if k not in ("neuron", *_INTERVALS)}
                ends = {f"{word}_{end}": (getattr(n, k) or (None, None))[i] for k, word in _INTERVALS.items()
                        for i, end in enumerate(("low", "high"))}  # fmt: skip
                ids = {"layer": n.neuron.layer, "index": n.neuron.index, "rival": c.rival[1], "rival_name": c.rival[0]}
                rows.append(about | ids | own | ends)
        return pl.DataFrame(rows, infer_schema_length=None)

    def _repr_html_(self) -> str:
        return f"<p>Concept neurons, view {self.view}</p>{self.to_frame().head(40)._repr_html_()}"

    def record(self) -> dict[str, Any]:
        """As plain values."""
        return asdict(self)

    @staticmethod
    def from_record(record: Mapping[str, Any]) -> "ConceptFindings":
        """The other way."""
        return ConceptFindings(**{**record, "concepts": tuple(_concept(c) for c in record["concepts"])})


_INTERVALS = {"interval": "ap", "auroc_interval": "auroc", "difference_interval": "difference"}


def _concept(record: Mapping[str, Any]) -> Concept:
    def neuron(n: Mapping[str, Any]) -> ConceptNeuron:
        intervals = {k: tuple(n[k]) for k in _INTERVALS if n.get(k)}
        return ConceptNeuron(**{**n, **intervals, "neuron": NeuronId(*n["neuron"])})

    neurons = tuple(neuron(n) for n in record["neurons"])
    more = {"neurons": neurons, "layers": tuple(record["layers"]), "unseen": tuple(record["unseen"])}
    return Concept(**{**record, **more})


def find_concepts(
    store: ConceptStore,
    *,
    min_rows: int = MIN_ROWS,
    draws: int = 2000,
    seed: int = 0,
    untrained: Iterable[ConceptStore] | str = "none was given",
) -> ConceptFindings:
    """Find on train, claim on test, in one view.

    Args:
        store: Rows of the view.
        min_rows: Rows that a value has, and that others have, in train and in test.
        draws: Resamples of files for intervals.
        seed: Of resamples and permutations.
        untrained: The same rows read by copies of the model with weights drawn anew, one after the other; or why there
            are none.

    Raises:
        DataError: No value has enough rows.

    Cost: four passes over the store, three for each copy; about 4 ns for each row, neuron and group of properties, and
    1 s a value.
    """
    values = values_with_rows(store, min_rows)
    if not values.names:
        raise DataError(
            f"property values in the view {store.view}",
            expected=f"one with {min_rows} rows in train and in test",
            got="none",
            remedy="read more tokens, or ask for other properties",
        )
    spread = spread_of(store)
    train = split_scores(store, "train", values, spread)
    test = split_scores(store, "test", values, spread, train.low)
    live = np.flatnonzero(spread.alive)
    candidates = live[np.argsort(-np.nan_to_num(train.ap[live], nan=-1.0), 0, kind="stable")[:STRONGEST]]
    held_out = HeldOut.of(store, np.unique(candidates), spread, seed, draws)
    reason = untrained if isinstance(untrained, str) else ""
    best = () if isinstance(untrained, str) else best_untrained(untrained, store, values)
    claiming = Claiming(train, test, held_out, Rivals.of(store), best)
    numbers = [(name, v) for name, kept in values.kept.items() for v in kept]
    rows: dict[str, int] = {split: len(store.numbers(split)) for split in ("train", "test")}
    files = {split: len(set(store.groups(split))) for split in ("train", "test")}
    concepts = tuple(_reported(store, claiming, found) for found in claiming.find(numbers, candidates))
    return ConceptFindings(store.view, rows, files, concepts, values.left_out, reason)


def _reported(store: ConceptStore, claiming: Claiming, found: Found) -> Concept:
    """A value's claimed neurons, and the strongest others by train."""
    claimed = [k for k, lack in enumerate(found.lacking) if not lack]
    others = [k for k, lack in enumerate(found.lacking) if lack]
    p = claiming.held_out.permuted(found.bins, found.positive)
    shown = [*claimed, *others[: max(0, SHOWN - len(claimed))]]
    n, unseen = int(found.positive.sum()), claiming.held_out.unseen
    hits = int((found.positive & unseen).sum())
    return Concept(
        store.view,
        found.name,
        store.table.values[found.name][found.value],
        int(claiming.train.n[found.column]),
        n,
        n / len(found.positive),
        found.rivals,
        (hits, hits / max(int(unseen.sum()), 1)),
        tuple(_neuron(claiming, found, k, float(p[k])) for k in shown),
        _layers(claiming, found.column, store.store.manifest.width),
    )


def _neuron(claiming: Claiming, found: Found, k: int, p: float) -> ConceptNeuron:
    """What is said of one candidate."""
    column, i, train, test = int(found.candidates[k]), found.column, claiming.train, claiming.test
    measured, above = claiming.measured(found, k)
    rival = max(found.rivals.values())

    def known(values: Float[np.ndarray, "neurons values"]) -> float | None:
        return float(values[column, i]) if np.isfinite(values[column, i]) else None

    return ConceptNeuron(
        neuron=neuron_ids(claiming.held_out.store, np.array([column]))[0],
        low=bool(train.low[column, i]),
        train_auroc=float(train.auroc[column, i]),
        train_ap=float(train.ap[column, i]),
        auroc=measured.auroc,
        ap=measured.ap,
        interval=measured.ap_interval,
        iou=float(test.iou[column, i]),
        effect=known(test.effect),
        z=known(test.z),
        q=known(test.q),
        selectivity=known(test.selectivity),
        p=p,
        unseen_ap=claiming.held_out.unseen_precision(found.scores(k), found.positive),
        claimed=not found.lacking[k],
        lacking=found.lacking[k],
        auroc_interval=measured.auroc_interval,
        difference=measured.ap - rival,
        difference_interval=None if above is None else above.interval,
        above_half=None if above is None else above.above_half,
        note="" if found.lacking[k] else claiming.owed_to_unseen(found, k),
    )


def _layers(claiming: Claiming, i: int, width: int) -> tuple[float, ...]:
    train = claiming.train.auroc[:, i].reshape(-1, width)
    best = train.argmax(1) + width * np.arange(len(train))
    return tuple(float(a) for a in claiming.test.auroc[best, i])
