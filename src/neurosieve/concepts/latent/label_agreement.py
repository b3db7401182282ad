"""How far the clusters of a layer agree with published labels, beyond chance: Cohen's kappa over held-out tokens.

Each cluster is named by the published label that most of its labelled train tokens have. Name and label of held-out
tokens are two annotators; kappa is (observed − expected) / (1 − expected) agreement, resampled by files.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int

from neurosieve.concepts.latent.annotators import beyond_chance
from neurosieve.concepts.latent.sheets import Answer
from neurosieve.probes.intervals import DRAWS, ClusterBootstrap, percentiles
from neurosieve.results.latent_clusters import PublishedAgreement

HALF = 0.5


def names_of(
    cluster: Int[np.ndarray, " rows"], codes: Int[np.ndarray, " rows"], clusters: int, values: int
) -> tuple[Int[np.ndarray, " clusters"], Float[np.ndarray, " clusters"]]:
    """The label that most labelled tokens of each cluster have, and the share of all its tokens that have it.

    Args:
        cluster: Of each train token.
        codes: The number of its label, −1 without one.
        clusters: How many there are.
        values: Labels.

    Returns:
        Numbers of labels, −1 for a cluster without a labelled token; of equals the first.
    """
    known = codes >= 0
    counts = np.bincount(cluster[known] * values + codes[known], minlength=clusters * values).reshape(clusters, values)
    sizes = np.bincount(cluster, minlength=clusters)
    names = np.where(counts.max(1) > 0, counts.argmax(1), -1)
    return names, counts.max(1) / np.maximum(sizes, 1)


def published_agreement(
    names: Int[np.ndarray, " clusters"],
    held_out: Int[np.ndarray, " rows"],
    codes: Int[np.ndarray, " rows"],
    values: int,
    groups: Sequence[str],
    *,
    draws: int = DRAWS,
    seed: int = 0,
) -> PublishedAgreement:
    """Kappa of the clusters' names with the labels of held-out tokens.

    Args:
        names: Of `names_of`.
        held_out: Cluster of each held-out token.
        codes: Its label, −1 without one.
        values: Labels.
        groups: Its file.
        draws: Resamples of files.
        seed: Of them.
    """
    named = names[held_out]
    both = (named >= 0) & (codes >= 0)
    about = {"named": int((names >= 0).sum()), "tokens": int(both.sum()), "left_out": int((~both).sum())}
    if not both.any():
        reason = "no held-out token has a label and a cluster with a name"
        return PublishedAgreement(**about, observed=None, expected=None, kappa=None, interval=None, reason=reason)
    bootstrap = ClusterBootstrap(np.array(groups, dtype=object)[both], draws=draws, seed=seed)
    one, two = named[both], codes[both]
    hits = (one == two).astype(np.float64)
    shares = [np.bincount(part, minlength=values)[None] / len(part) for part in (one, two)]
    expected = float(_expected(*shares)[0])
    kappa = beyond_chance(hits.mean()[None], np.array([expected]))[0]
    if np.isnan(kappa):
        reason = "all tokens have one label, so that chance agrees as well"
        return PublishedAgreement(
            **about, observed=float(hits.mean()), expected=expected, kappa=None, interval=None, reason=reason
        )
    drawn = [np.concatenate(list(bootstrap.counts(part, values))) for part in (one, two)]
    chance = _expected(*(counts / counts.sum(1, keepdims=True) for counts in drawn))
    resampled = beyond_chance(bootstrap.means(hits), chance)
    interval = percentiles(resampled[np.isfinite(resampled)]) if bootstrap.clusters > 1 else None
    return PublishedAgreement(
        **about,
        observed=float(hits.mean()),
        expected=expected,
        kappa=float(kappa),
        interval=interval,
        reason=None if interval else "all these tokens are of one file, or files do not differ",
    )


def published_answers(
    names: Int[np.ndarray, " clusters"], shares: Float[np.ndarray, " clusters"], values: Sequence[str]
) -> dict[int, Answer]:
    """The published labels as the answers of one annotator: of clusters of which half or more has one label."""
    return {
        int(c): Answer("Yes", (values[names[c]],)) for c in np.flatnonzero((names >= 0) & (shares >= HALF)).tolist()
    }


def _expected(
    one: Float[np.ndarray, "draws values"], two: Float[np.ndarray, "draws values"]
) -> Float[np.ndarray, " draws"]:
    expected: Float[np.ndarray, " draws"] = (one * two).sum(1)
    return expected
