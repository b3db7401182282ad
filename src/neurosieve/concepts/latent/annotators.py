"""Do annotators agree on latent concepts, beyond what they would by chance?

Cohen's kappa (two annotators, each with an own taste) and Fleiss' kappa (two or more, one common taste):
(observed − expected) / (1 − expected) agreement, over the clusters that all of them answered. Answers with several
labels are compared as whole sets, without case and white space: `loop, name` agrees with `Name, loop`, and not with
`loop`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from jaxtyping import Float, Int
from sklearn.metrics import cohen_kappa_score

from neurosieve.concepts.latent.sheets import Answers
from neurosieve.errors import DataError
from neurosieve.probes.intervals import DRAWS, ClusterBootstrap

_UNDEFINED = 0.05  # of all resamples


@dataclass(frozen=True)
class Kappa:
    """How far annotators agree in one field.

    Attributes:
        field: `Meaningful`, `Labels` or a note.
        method: `cohen` or `fleiss`.
        annotators: How many.
        n: Clusters that all of them answered.
        left_out: Clusters that some of them answered.
        observed: Share of pairs of answers to one cluster that agree; None without a cluster.
        value: 1 is full agreement, 0 what chance gives; None if it is not defined.
        interval: 95 %, bootstrap over clusters; None if it is not defined.
        reason: Why one is None.
    """

    field: str
    method: str
    annotators: int
    n: int
    left_out: int
    observed: float | None
    value: float | None
    interval: tuple[float, float] | None
    reason: str | None


def annotator_agreement(
    answers: Mapping[str, Answers],
    fields: Sequence[str] = ("Meaningful", "Labels"),
    *,
    draws: int = DRAWS,
    seed: int = 0,
) -> tuple[Kappa, ...]:
    """Fleiss' kappa for each field, and Cohen's where there are two annotators.

    Args:
        answers: By annotator.
        fields: Of `Answer.field`. In files of the published tool `Labels` are suggestions that all saw: name its notes.
        draws: Resamples of clusters.
        seed: Of the resamples.

    Raises:
        DataError: Fewer than two annotators.

    Cost: Cohen's 2,000 resamples take about two seconds a field.
    """
    if len(answers) < 2:
        got = str(len(answers))
        raise DataError("annotators", expected="two or more", got=got, remedy="read the files of several")
    given = [{cluster for cluster, answer in by_cluster.items() if answer.given} for by_cluster in answers.values()]
    common, some = sorted(set.intersection(*given)), set.union(*given)
    result = []
    for field in fields:
        numbers: dict[frozenset[str], int] = {}
        said = [[numbers.setdefault(a[c].field(field), len(numbers)) for a in answers.values()] for c in common]
        codes = np.array(said, dtype=np.int64).reshape(-1, len(answers))
        for method in ("cohen", "fleiss") if len(answers) == 2 else ("fleiss",):
            kappa = _kappa(codes, method, draws, seed)
            result.append(Kappa(field, method, len(answers), len(common), len(some) - len(common), *kappa))
    return tuple(result)


def kappa_frame(kappas: Sequence[Kappa]) -> pl.DataFrame:
    """One row a kappa; the interval as low and high."""
    rows = [{k: v for k, v in vars(kappa).items() if k != "interval"} for kappa in kappas]
    bounds = [kappa.interval or (None, None) for kappa in kappas]
    return pl.DataFrame([row | {"low": b[0], "high": b[1]} for row, b in zip(rows, bounds, strict=True)])


def _kappa(
    codes: Int[np.ndarray, "clusters annotators"], method: str, draws: int, seed: int
) -> tuple[float | None, float | None, tuple[float, float] | None, str | None]:
    """Observed agreement, value, interval, and why one is missing."""
    if len(codes) == 0:
        return None, None, None, "no cluster that all annotators answered"
    of = _cohen if method == "cohen" else _fleiss
    observed = float(_agreeing(_counts(codes)).mean())
    value = float(of(codes, np.ones((1, len(codes))))[0])
    if np.isnan(value):
        return observed, None, None, "all answers are the same, so that chance agrees as well"
    weights = ClusterBootstrap(np.arange(len(codes)), draws=draws, seed=seed).weights()
    values = np.concatenate([of(codes, part) for part in weights])
    undefined = float(np.isnan(values).mean())
    if undefined > _UNDEFINED:
        return observed, value, None, f"{undefined:.0%} of the resamples hold one answer only"
    low, high = np.nanquantile(values, [0.025, 0.975])
    return observed, value, (float(low), float(high)), None


def _cohen(
    codes: Int[np.ndarray, "clusters annotators"], weights: Float[np.ndarray, "draws clusters"]
) -> Float[np.ndarray, " draws"]:
    values = np.full(len(weights), np.nan)
    for i, weight in enumerate(weights):
        if len(np.unique(codes[weight > 0])) > 1:  # else chance agrees too
            values[i] = cohen_kappa_score(*codes.T, sample_weight=weight)
    return values


def _fleiss(
    codes: Int[np.ndarray, "clusters annotators"], weights: Float[np.ndarray, "draws clusters"]
) -> Float[np.ndarray, " draws"]:
    """Fleiss 1971, equations 1 to 7."""
    counts, total = _counts(codes), weights.sum(1)
    observed = weights @ _agreeing(counts) / total
    expected = ((weights @ counts / (total * codes.shape[1])[:, None]) ** 2).sum(1)
    return beyond_chance(observed, expected)


def beyond_chance(
    observed: Float[np.ndarray, " draws"], expected: Float[np.ndarray, " draws"]
) -> Float[np.ndarray, " draws"]:
    """(observed − expected) / (1 − expected) agreement; not a number where chance agrees always."""
    undefined = expected > 1 - 1e-12
    kappa: Float[np.ndarray, " draws"] = (observed - expected) / np.where(undefined, np.nan, 1 - expected)
    return kappa


def _counts(codes: Int[np.ndarray, "clusters annotators"]) -> Float[np.ndarray, "clusters answers"]:
    """How many annotators gave each answer."""
    counts: Float[np.ndarray, "clusters answers"] = (codes[:, :, None] == np.arange(codes.max() + 1)).sum(1) * 1.0
    return counts


def _agreeing(counts: Float[np.ndarray, "clusters answers"]) -> Float[np.ndarray, " clusters"]:
    """Share of a cluster's pairs of answers that agree."""
    annotators = counts.sum(1)
    share: Float[np.ndarray, " clusters"] = (counts * (counts - 1)).sum(1) / (annotators * (annotators - 1))
    return share
