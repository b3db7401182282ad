"""Which neurons hold a concept: found on train files, claimed on held-out files, above bounds and rivals (METHOD.md).

Found: among the 50 live neurons of the highest average precision on train, in the direction that they have there.
Called a neuron of the concept: AP ≥ 0.8 and AUROC ≥ 0.9 on train and again on test files, there with an AP at least 0.1
above the best rival's, and a difference between files that Benjamini–Hochberg over all neurons and values lets pass on
train.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import polars as pl
from jaxtyping import Bool, Float, Int

from neurosieve.concepts.held_out import HeldOut, neuron_ids
from neurosieve.concepts.rivals import RIVALS, rival_precision
from neurosieve.concepts.rows import ConceptStore
from neurosieve.concepts.scores import ConceptScores
from neurosieve.concepts.scoring import split_scores, spread_of, values_with_rows
from neurosieve.errors import DataError
from neurosieve.progress import track
from neurosieve.typing import NeuronId, View

AP, AUROC, ABOVE_RIVAL, Q = 0.8, 0.9, 0.1, 0.05
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
        interval: Of `ap`, 95 %, by files.
        iou: With the rows beyond the best threshold.
        effect: Difference of means in standard deviations; None where the neuron does not vary.
        z: Difference of means over its standard error between files.
        q: Benjamini–Hochberg of z over all neurons and values.
        selectivity: AUROC among rows with some value of the property; None where these are all rows with the value.
        p: Of `auroc`, by shifting the value's rows in circles within each file.
        unseen_ap: Average precision on rows whose text is absent from train; None with fewer than 30 of either kind.
        claimed: It is called a neuron of the concept.
        lacking: What it lacks for that, in words; empty where it is claimed.
    """

    neuron: NeuronId
    low: bool
    train_auroc: float
    train_ap: float
    auroc: float
    ap: float
    interval: tuple[float, float]
    iou: float
    effect: float | None
    z: float | None
    q: float | None
    selectivity: float | None
    p: float
    unseen_ap: float | None
    claimed: bool
    lacking: str


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
    """

    view: View
    rows: Mapping[str, int]
    files: Mapping[str, int]
    concepts: tuple[Concept, ...]
    left_out: Mapping[str, str]

    def to_frame(self) -> pl.DataFrame:
        """One row a value and neuron shown: its scores beside the base rate and the best rival's."""
        rows: list[dict[str, Any]] = []
        for c in self.concepts:
            about = {"view": c.view, "property": c.property_name, "value": c.value, "n": c.test, "base": c.base}
            for n in c.neurons:
                own = {k: v for k, v in vars(n).items() if k not in ("neuron", "interval")}
                ids = {"layer": n.neuron.layer, "index": n.neuron.index, "rival": max(c.rivals.values())}
                rows.append(about | ids | own | {"ap_low": n.interval[0], "ap_high": n.interval[1]})
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


def _concept(record: Mapping[str, Any]) -> Concept:
    neurons = tuple(
        ConceptNeuron(**{**n, "neuron": NeuronId(*n["neuron"]), "interval": tuple(n["interval"])})
        for n in record["neurons"]
    )
    more = {"neurons": neurons, "layers": tuple(record["layers"]), "unseen": tuple(record["unseen"])}
    return Concept(**{**record, **more})


def find_concepts(
    store: ConceptStore, *, min_rows: int = MIN_ROWS, draws: int = 2000, seed: int = 0
) -> ConceptFindings:
    """Find on train, claim on test, in one view.

    Args:
        store: Rows of the view.
        min_rows: Rows that a value has, and that others have, in train and in test.
        draws: Resamples of files for intervals.
        seed: Of resamples and permutations.

    Raises:
        DataError: No value has enough rows.

    Cost: three passes over the store; about 4 ns for each row, neuron and group of properties, and 0.1 s a value.
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
    claiming = _Claiming(store, train, test, held_out, rival_precision(store))
    numbers = [(name, v) for name, kept in values.kept.items() for v in kept]
    steps = track(list(enumerate(numbers)), f"{store.view} concepts")
    concepts = tuple(claiming.concept(i, name, v, candidates[:, i]) for i, (name, v) in steps)
    rows: dict[str, int] = {split: len(store.numbers(split)) for split in ("train", "test")}
    files = {split: len(set(store.groups(split))) for split in ("train", "test")}
    return ConceptFindings(store.view, rows, files, concepts, values.left_out)


@dataclass(frozen=True)
class _Claiming:
    """Scores of both splits, and what it takes to claim."""

    store: ConceptStore
    train: ConceptScores
    test: ConceptScores
    held_out: HeldOut
    precision: Mapping[str, Mapping[str, Float[np.ndarray, " values"]]]

    def concept(self, i: int, name: str, value: int, candidates: Int[np.ndarray, " strongest"]) -> Concept:
        positive = self.held_out.positive(name, value)
        rivals = {rival: float(self.precision[rival][name][value]) for rival in RIVALS}
        bins = np.stack([self.held_out.directed(int(c), bool(self.train.low[c, i])) for c in candidates])
        p = self.held_out.permuted(bins, positive)
        lacking = [self._lacking(i, int(c), max(rivals.values())) for c in candidates]
        claimed = [k for k, lack in enumerate(lacking) if not lack]
        others = [k for k, lack in enumerate(lacking) if lack]
        shown = [*claimed, *others[: max(0, SHOWN - len(claimed))]]
        neurons = tuple(self._neuron(i, int(candidates[k]), bins[k], positive, float(p[k]), lacking[k]) for k in shown)
        n, unseen = int(positive.sum()), self.held_out.unseen
        hits = int((positive & unseen).sum())
        return Concept(
            self.store.view,
            name,
            self.store.table.values[name][value],
            int(self.train.n[i]),
            n,
            n / len(positive),
            rivals,
            (hits, hits / max(int(unseen.sum()), 1)),
            neurons,
            self._layers(i),
        )

    def _lacking(self, i: int, column: int, rival: float) -> str:
        """The first condition that fails, in words."""
        train, test = self.train, self.test
        checks = (
            (train.ap[column, i] >= AP, f"AP on train {train.ap[column, i]:.2f} < {AP}"),
            (train.auroc[column, i] >= AUROC, f"AUROC on train {train.auroc[column, i]:.2f} < {AUROC}"),
            (train.q[column, i] <= Q, f"q on train above {Q}"),
            (test.ap[column, i] >= AP, f"AP {test.ap[column, i]:.2f} < {AP}"),
            (test.auroc[column, i] >= AUROC, f"AUROC {test.auroc[column, i]:.2f} < {AUROC}"),
            (
                test.ap[column, i] >= rival + ABOVE_RIVAL,
                f"AP {test.ap[column, i]:.2f} < best rival {rival:.2f} + {ABOVE_RIVAL}",
            ),
        )
        return next((why for passed, why in checks if not passed), "")

    def _neuron(
        self,
        i: int,
        column: int,
        bins: Int[np.ndarray, " rows"],
        positive: Bool[np.ndarray, " rows"],
        p: float,
        lacking: str,
    ) -> ConceptNeuron:
        train, test = self.train, self.test

        def known(values: Float[np.ndarray, "neurons values"]) -> float | None:
            return float(values[column, i]) if np.isfinite(values[column, i]) else None

        return ConceptNeuron(
            neuron_ids(self.store, np.array([column]))[0],
            bool(train.low[column, i]),
            float(train.auroc[column, i]),
            float(train.ap[column, i]),
            float(test.auroc[column, i]),
            float(test.ap[column, i]),
            self.held_out.interval(bins, positive),
            float(test.iou[column, i]),
            known(test.effect),
            known(test.z),
            known(test.q),
            known(test.selectivity),
            p,
            self.held_out.unseen_precision(bins, positive),
            not lacking,
            lacking,
        )

    def _layers(self, i: int) -> tuple[float, ...]:
        width = self.store.store.manifest.width
        best = self.train.auroc[:, i].reshape(-1, width).argmax(1) + width * np.arange(len(self.store.neurons) // width)
        return tuple(float(a) for a in self.test.auroc[best, i])
