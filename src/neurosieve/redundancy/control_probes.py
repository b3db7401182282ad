"""Controls that need probes of their own: the control task, and types that were never seen in training."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl
from jaxtyping import Int

from neurosieve.data.control_labels import among, control_labels, held_out_types
from neurosieve.parts import map_parts, sharing
from neurosieve.probes.archive import Archive
from neurosieve.probes.features import SelectionData
from neurosieve.probes.probe import Oracle, Probe, fit_own_path, fit_probe
from neurosieve.probes.solver import Solution
from neurosieve.progress import track


@dataclass(frozen=True)
class Controls:
    """Probes of the controls; test labels and held-out types follow from the seeds.

    Attributes:
        control: For each draw of the control task (by seed) the probe on all neurons.
        control_minimal: The same on the smallest set; empty if there is none.
        disjoint: For each split of types (by seed) the probe that has not seen the held-out ones.
    """

    control: Mapping[int, Probe]
    control_minimal: Mapping[int, Probe]
    disjoint: Mapping[int, Probe]

    def to_frame(self) -> pl.DataFrame:
        """One row a probe: control, seed, λ, validation score."""
        rows = [(kind, seed, p.lam, p.validation) for kind, probes in vars(self).items() for seed, p in probes.items()]
        return pl.DataFrame(rows, schema=["control", "seed", "lambda", "validation"], orient="row")

    def archive(self) -> Archive:
        """The object as JSON values, probes and tensors, which files can hold."""
        probes = {f"{kind}.{seed}": p for kind, members in vars(self).items() for seed, p in members.items()}
        return Archive({kind: list(members) for kind, members in vars(self).items()}, probes)

    @staticmethod
    def from_archive(archive: Archive) -> "Controls":
        """What `archive` returned, as an object again."""
        return Controls(
            **{kind: {s: archive.probes[f"{kind}.{s}"] for s in seeds} for kind, seeds in archive.record.items()}
        )


def fit_controls(
    data: SelectionData, oracle: Oracle, minimal: Probe | None, *, draws: int, splits: int, path: int, seed: int
) -> Controls:
    """Fit all control probes on train and validation.

    Args:
        data: Train and validation.
        oracle: All neurons on the true labels.
        minimal: The smallest set, if there is one.
        draws: Of the control task; each searches its own λ path, on all neurons and on the smallest set.
        splits: Of token types; each searches the oracle's λ and its neighbours.
        path: Values on a λ path.
        seed: Of the first draw; the others follow.
    """
    every = np.arange(len(data.neurons))
    features = [every] if minimal is None else [every, minimal.feature]
    drawn = [(s, feature) for feature in features for s in range(seed, seed + draws)]
    held = range(seed, seed + splits)
    steps = iter(track(range(len(drawn) + splits), "controls"))

    fits = map_parts(sharing(_control, data, path), drawn, small=True)
    probes = [probe for probe, _ in zip(fits, steps, strict=False)]
    fits = map_parts(sharing(_without_types, data, oracle), held, small=True)
    without = [probe for probe, _ in zip(fits, steps, strict=False)]
    control, control_minimal = probes[:draws], probes[draws:]
    seeds = range(seed, seed + draws)
    return Controls(
        dict(zip(seeds, control, strict=True)),
        dict(zip(seeds, control_minimal, strict=False)),
        dict(zip(held, without, strict=True)),
    )


def _control(data: SelectionData, path: int, drawn: tuple[int, Int[np.ndarray, " some"]]) -> Probe:
    seed, feature = drawn
    return fit_own_path(control_task(data, seed), feature, path).probe


def control_task(data: SelectionData, seed: int) -> SelectionData:
    """The same rows with a random class for each token type (Hewitt & Liang 2019, arXiv 1909.03368)."""
    share = np.bincount(data.label.cpu().numpy(), minlength=data.classes) / len(data.label)
    return data.relabelled(*(control_labels(text, share, seed) for text in (data.text, data.text_validation)))


def _without_types(data: SelectionData, oracle: Oracle, seed: int) -> Probe:
    held = held_out_types(data.text, data.label.cpu().numpy(), seed)
    keep, keep_validation = ~among(data.text, held), ~among(data.text_validation, held)
    if not keep_validation.any():  # then λ is chosen on what there is
        keep_validation[:] = True
    rest = data.rows(keep, keep_validation)
    start = Solution(oracle.probe.weights, oracle.probe.intercept)
    return fit_probe(rest, np.arange(len(data.neurons)), oracle.lambdas, [start] * len(oracle.lambdas))[0]
