"""Groups of neurons: each property's smallest set, each value's neurons, what these share, and their layers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
import torch

from neurosieve.concepts.rows import ConceptStore
from neurosieve.concepts.sets.property_sets import PropertySet, SmallestSet, find_property_set, values_for_sets
from neurosieve.concepts.sets.set_search import SetOptions
from neurosieve.concepts.sets.sharing import LayerSpread, Overlaps, Polysemy, find_overlaps, find_polysemy, find_spread
from neurosieve.errors import unknown_name
from neurosieve.progress import track
from neurosieve.results.measured import Spread
from neurosieve.results.neuron_groups import (
    NeuronGroups,
    OracleScore,
    PropertyGroup,
    RandomScores,
    SearchedSizes,
    SetSharing,
    SmallestGroup,
)
from neurosieve.results.neuron_set import NeuronSet
from neurosieve.typing import View


@dataclass(frozen=True)
class Sharing:
    """What some sets share, and in which layers they are.

    Attributes:
        overlaps: Of any two of them.
        polysemy: How many properties a neuron serves.
        spread: Of each over layers.
    """

    overlaps: Overlaps
    polysemy: Polysemy
    spread: tuple[LayerSpread, ...]

    def result(self) -> SetSharing:
        """The part of the run's result."""
        spread = tuple(s.result() for s in self.spread)
        return SetSharing(overlaps=self.overlaps.result(), polysemy=self.polysemy.result(), spread=spread)


@dataclass(frozen=True)
class Groups:
    """Groups of neurons in one view.

    Attributes:
        view: `detect` or `predict`.
        options: Of the search.
        sets: Of each property with two values or more.
        left_out: Properties and values without enough rows, and why.
        properties: What the smallest sets share.
        values: What the values' neurons share.
    """

    view: View
    options: SetOptions
    sets: tuple[PropertySet, ...]
    left_out: Mapping[str, str]
    properties: Sharing
    values: Sharing

    def to_frame(self) -> pl.DataFrame:
        """One row per property: its oracle with majority and lookup, its smallest set with random orders."""
        rows = []
        for s in self.sets:
            found = s.smallest
            about = {"property": s.name, "values": len(s.values), "n": s.oracle.n, "oracle": s.oracle.value}
            about |= {"majority": s.majority, "lookup": s.lookup, "size": found and len(found.neurons)}
            about |= {"test": found and found.test.value, "loss": found and found.loss.value}
            same, sizes = (found.same_size, found.sizes) if found else (None, None)
            about |= {"random": same and float(np.mean(same)), "random_size": sizes and float(np.median(sizes))}
            rows.append(about)
        return pl.DataFrame(rows, infer_schema_length=None)

    def _repr_html_(self) -> str:
        return f"<p>Groups of neurons, view {self.view}</p>{self.to_frame()._repr_html_()}"

    def result(self) -> NeuronGroups:
        """The part of the run's result."""
        return NeuronGroups(
            view=self.view,
            delta=self.options.delta,
            select=self.options.select,
            mass=self.options.mass,
            sets=tuple(map(_group, self.sets)),
            left_out=dict(self.left_out),
            properties=self.properties.result(),
            values=self.values.result(),
        )


def find_groups(
    store: ConceptStore,
    properties: Sequence[str] | None = None,
    options: SetOptions | None = None,
    device: str | torch.device = "cpu",
) -> Groups:
    """The smallest set of each property, and what the sets share.

    Args:
        store: Rows of a view.
        properties: Names; all of the store's table by default.
        options: Of the search.
        device: Where probes are fitted.

    Raises:
        ConfigError: A property that the table does not have.

    Cost: that of `find_property_set` for each property.
    """
    own, table = options or SetOptions(), store.table
    for name in properties or ():
        if name not in table.values and name not in table.left_out:
            raise unknown_name("property", name, [*table.values, *table.left_out])
    asked = [*table.values, *table.left_out] if properties is None else list(properties)
    left_out = {name: table.left_out[name] for name in asked if name in table.left_out}
    sets = []
    for name in track([name for name in asked if name in table.values], f"{store.view} sets"):
        kept, without = values_for_sets(store, name, own.values)
        left_out |= {f"{name}={value}": reason for value, reason in without.items()}
        if len(kept) > 1:
            sets.append(find_property_set(store, name, kept, own, device))
        else:
            left_out[name] = f"values with enough rows: {len(kept)}, fewer than 2"
    live = _live(store, sets)
    smallest = {s.name: s.smallest.neurons for s in sets if s.smallest}
    carriers = {c.name: c.neurons for s in sets for c in s.carriers if c.neurons}
    return Groups(store.view, own, tuple(sets), left_out, _sharing(smallest, live), _sharing(carriers, live))


def _live(store: ConceptStore, sets: Sequence[PropertySet]) -> np.ndarray:
    """Neurons of each layer that vary over the rows of some property."""
    found = {(int(layer), int(index)) for s in sets for layer, index in s.live}
    return np.bincount([layer for layer, _ in found], minlength=store.grid.layers)


def _sharing(sets: Mapping[str, NeuronSet], live: np.ndarray) -> Sharing:
    total, named = int(live.sum()), dict(sets)
    spread = tuple(find_spread(name, neurons, live) for name, neurons in named.items())
    return Sharing(find_overlaps(named, total), find_polysemy(named, total), spread)


def _group(found: PropertySet) -> PropertyGroup:
    return PropertyGroup(
        property=found.name,
        values=found.values,
        rows=dict(found.rows),
        live=len(found.live),
        majority=found.majority,
        lookup=found.lookup,
        oracle=OracleScore(validation=found.validation, converged=found.converged, test=found.oracle),
        smallest=None if found.smallest is None else _smallest(found.smallest),
        reason=found.reason,
        carriers=found.carriers,
    )


def _smallest(found: SmallestSet) -> SmallestGroup:
    same, sizes, median = found.same_size, found.sizes, float(np.median(found.sizes))
    ratio = len(found.neurons) / median
    return SmallestGroup(
        size=len(found.neurons),
        validation=found.validation,
        test=found.test,
        converged=found.converged,
        test_loss=found.loss,
        random_same_size=RandomScores(
            test=Spread(mean=float(np.mean(same)), low=min(same), high=max(same)), draws=len(same)
        ),
        random_size=SearchedSizes(median=median, low=min(sizes), high=max(sizes), ratio=ratio, draws=len(sizes)),
        neurons=found.neurons,
    )
