"""Which neurons hold a concept: found on train files, claimed on held-out files, above bounds and rivals (METHOD.md).

Found: among the 50 live neurons of the highest average precision on train, in the direction that they have there.
Called a neuron of the concept: on train AP ≥ 0.8, AUROC ≥ 0.9 and a difference between files that Benjamini–Hochberg
over all neurons and values lets pass; on test, all by lower bounds of intervals over files, the same AP and AUROC, and
an AP above the rival that is best there, by 0.1 or by half of what that leaves. Candidates are sifted by scores from
bins; those that pass are measured again on their exact values.
"""

from collections.abc import Iterable

import numpy as np
from jaxtyping import Float

from neurosieve.concepts.neurons.claiming import Claiming, Found
from neurosieve.concepts.neurons.copy_scores import best_untrained
from neurosieve.concepts.neurons.held_out import HeldOut
from neurosieve.concepts.neurons.passes import split_scores, spread_of, values_with_rows
from neurosieve.concepts.neurons.range_claims import RangeClaims, range_candidates
from neurosieve.concepts.neurons.rivals import Rivals
from neurosieve.concepts.rows import ConceptStore
from neurosieve.errors import DataError
from neurosieve.results.concepts import Bounds, Concept, ConceptFindings, ConceptNeuron, UnseenRows
from neurosieve.results.measured import Difference, NotMeasured
from neurosieve.typing import Grid

MIN_ROWS = 30
STRONGEST = 50
SHOWN = 10
NOT_GIVEN = NotMeasured.from_text("none was given")


def find_concepts(
    store: ConceptStore,
    *,
    min_rows: int = MIN_ROWS,
    draws: int = 2000,
    seed: int = 0,
    untrained: Iterable[ConceptStore] | NotMeasured = NOT_GIVEN,
) -> ConceptFindings:
    """Find on train, claim on test, in one view.

    Args:
        store: Rows of the view.
        min_rows: Rows that a value has, and that others have, in train and in test.
        draws: Resamples of files for intervals.
        seed: Of resamples and permutations.
        untrained: The same rows read by copies of the model with random weights, one after the other; or why there
            are none.

    Raises:
        DataError: No value has enough rows.

    Cost: five passes over the store, three for each copy; about 4 ns for each row, neuron and group of properties, and
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
    train = split_scores(store, "train", values, spread, ranges=True)
    test = split_scores(store, "test", values, spread, train.low)
    live = np.flatnonzero(spread.alive)
    candidates = live[np.argsort(-np.nan_to_num(train.ap[live], nan=-1.0), 0, kind="stable")[:STRONGEST]]
    ranged = range_candidates(train.range_ap, live)
    held_out = HeldOut.of(store, np.unique(np.concatenate([candidates, ranged])), spread, seed, draws)
    reason = untrained.text if isinstance(untrained, NotMeasured) else ""
    best = () if isinstance(untrained, NotMeasured) else best_untrained(untrained, store, values)
    claiming = Claiming(train, test, held_out, Rivals.of(store), best)
    ranges = RangeClaims.of(claiming, spread, ranged)
    numbers = [(name, v) for name, kept in values.kept.items() for v in kept]
    rows: dict[str, int] = {split: len(store.numbers(split)) for split in ("train", "test")}
    files = {split: len(set(store.groups(split))) for split in ("train", "test")}
    concepts = tuple(_reported(store, claiming, ranges, candidate) for candidate in claiming.find(numbers, candidates))
    return ConceptFindings(
        view=store.view,
        rows=rows,
        files=files,
        concepts=concepts,
        left_out=values.left_out,
        untrained_reason=reason,
    )


def _reported(store: ConceptStore, claiming: Claiming, ranges: RangeClaims, candidate: Found) -> Concept:
    """A value's claimed neurons, and the strongest others by train."""
    claimed = [k for k, lack in enumerate(candidate.lacking) if not lack]
    others = [k for k, lack in enumerate(candidate.lacking) if lack]
    p = claiming.held_out.permuted(candidate.bins, candidate.positive)
    shown = [*claimed, *others[: max(0, SHOWN - len(claimed))]]
    n, unseen = int(candidate.positive.sum()), claiming.held_out.unseen
    hits = int((candidate.positive & unseen).sum())
    return Concept(
        view=store.view,
        property_name=candidate.name,
        value=store.table.values[candidate.name][candidate.value],
        train=int(claiming.train.n[candidate.column]),
        test=n,
        base=n / len(candidate.positive),
        rivals=candidate.rivals,
        unseen=UnseenRows(hits, hits / max(int(unseen.sum()), 1)),
        neurons=tuple(_neuron(claiming, candidate, k, float(p[k])) for k in shown),
        layers=_layers(claiming, candidate.column, store.grid),
        ranges=ranges.ranges(candidate),
    )


def _neuron(claiming: Claiming, candidate: Found, k: int, p: float) -> ConceptNeuron:
    """The figures of one candidate."""
    column, i, train, test = int(candidate.candidates[k]), candidate.column, claiming.train, claiming.test
    measured, above = claiming.measured(candidate, k)
    rival = max(candidate.rivals.values())

    def known(values: Float[np.ndarray, "neurons values"]) -> float | None:
        return float(values[column, i]) if np.isfinite(values[column, i]) else None

    return ConceptNeuron(
        neuron=claiming.held_out.store.grid.neuron(column),
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
        unseen_ap=claiming.held_out.unseen_precision(candidate.scores(k), candidate.positive),
        claimed=not candidate.lacking[k],
        lacking=candidate.lacking[k],
        bounds=Bounds(
            auroc_interval=measured.auroc_interval,
            difference=Difference(value=measured.ap - rival, interval=None if above is None else above.interval),
            above_half=None if above is None else above.above_half,
            note="" if candidate.lacking[k] else claiming.owed_to_unseen(candidate, k),
        ),
    )


def _layers(claiming: Claiming, i: int, grid: Grid) -> tuple[float, ...]:
    """AUROC on test of each layer's best neuron by train."""
    best = claiming.train.auroc[:, i].reshape(grid.layers, grid.width).argmax(1)
    return tuple(float(a) for a in claiming.test.auroc[grid.columns(np.stack([np.arange(grid.layers), best], 1)), i])
