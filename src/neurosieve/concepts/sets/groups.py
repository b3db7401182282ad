"""Groups of neurons: each property's smallest set, each value's neurons, what these share, and their layers."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch

from neurosieve.concepts.rows import ConceptStore
from neurosieve.concepts.sets.property_sets import PropertySet, find_property_set, values_for_sets
from neurosieve.concepts.sets.set_search import SetOptions
from neurosieve.concepts.sets.sharing import find_overlaps, find_polysemy, find_spread
from neurosieve.errors import unknown_name
from neurosieve.progress import track
from neurosieve.results.neuron_groups import NeuronGroups, SetSharing
from neurosieve.results.neuron_set import NeuronSet


def find_groups(
    store: ConceptStore,
    properties: Sequence[str] | None = None,
    options: SetOptions | None = None,
    device: str | torch.device = "cpu",
    claimed: Mapping[str, NeuronSet] | None = None,
) -> NeuronGroups:
    """The smallest set of each property, and what the sets share.

    Args:
        store: Rows of a view.
        properties: Names; all of the store's table by default.
        options: Of the search.
        device: Where probes are fitted.
        claimed: The sets of few neurons that are claimed, by value: what they share is told too.

    Raises:
        ConfigError: A property that the table does not have.

    Cost: that of `find_property_set` for each property.
    """
    options, table = options or SetOptions(), store.table
    for name in properties or ():
        if name not in table.values and name not in table.left_out:
            raise unknown_name("property", name, [*table.values, *table.left_out])
    asked = [*table.values, *table.left_out] if properties is None else list(properties)
    left_out = {name: table.left_out[name] for name in asked if name in table.left_out}
    sets = []
    for name in track([name for name in asked if name in table.values], f"{store.view} sets"):
        kept, without = values_for_sets(store, name, options.values)
        left_out |= {f"{name}={value}": reason for value, reason in without.items()}
        if len(kept) > 1:
            sets.append(find_property_set(store, name, kept, options, device))
        else:
            left_out[name] = f"values with enough rows: {len(kept)}, fewer than 2"
    live, groups = _live(store, sets), tuple(s.group for s in sets)
    return NeuronGroups(
        view=store.view,
        delta=options.delta,
        select=options.select,
        mass=options.mass,
        sets=groups,
        left_out=left_out,
        properties=_sharing({g.property: g.smallest.neurons for g in groups if g.smallest}, live),
        values=_sharing({c.name: c.neurons for g in groups for c in g.carriers if c.neurons}, live),
        claimed=_sharing(claimed, live) if claimed else None,
    )


def _live(store: ConceptStore, sets: Sequence[PropertySet]) -> np.ndarray:
    """Neurons of each layer that vary over the rows of some property."""
    live = {(int(layer), int(index)) for s in sets for layer, index in s.live}
    return np.bincount([layer for layer, _ in live], minlength=store.grid.layers)


def _sharing(sets: Mapping[str, NeuronSet], live: np.ndarray) -> SetSharing:
    total = int(live.sum())
    return SetSharing(
        overlaps=find_overlaps(sets, total).result(),
        polysemy=find_polysemy(sets, total),
        spread=tuple(find_spread(name, neurons, live) for name, neurons in sets.items()),
    )
