"""Neurons that belong together, in an order: what set operations, tables and edits are made from."""

from collections.abc import Iterable, Iterator, Set
from typing import overload

import polars as pl

from neurosieve.typing import NeuronId

_SHOWN = 6


class NeuronSet(Set[NeuronId]):
    """Neurons, each once, in their order: the most important first where a ranking chose them.

    `&`, `|` and `-` keep the order of the left one. Two sets are equal where they hold the same neurons.

    Examples:
        >>> some, others = ns.NeuronSet([(0, 39), (2, 7)]), ns.NeuronSet([(2, 7)])
        >>> len(some | others), list(some & others), (some - others)[0]
        (2, [NeuronId(layer=2, index=7)], NeuronId(layer=0, index=39))
        >>> some.by_layer
        {0: (39,), 2: (7,)}

    Args:
        neurons: (layer, index) pairs; an array of shape [neurons, 2] is one too.
    """

    def __init__(self, neurons: Iterable[Iterable[int]] = ()) -> None:
        pairs = ((int(part) for part in pair) for pair in neurons)
        self._order = tuple(dict.fromkeys(NeuronId(*pair) for pair in pairs))
        self._members = frozenset(self._order)

    def __contains__(self, neuron: object) -> bool:
        return neuron in self._members

    def __iter__(self) -> Iterator[NeuronId]:
        return iter(self._order)

    def __len__(self) -> int:
        return len(self._order)

    @overload
    def __getitem__(self, place: int) -> NeuronId: ...
    @overload
    def __getitem__(self, place: slice) -> "NeuronSet": ...
    def __getitem__(self, place: int | slice) -> "NeuronId | NeuronSet":
        """The neuron at a place, from 0; of a slice a set."""
        return NeuronSet(self._order[place]) if isinstance(place, slice) else self._order[place]

    def __and__(self, other: Iterable[object]) -> "NeuronSet":
        kept = set(other)
        return NeuronSet(n for n in self if n in kept)

    def __or__(self, other: Iterable[Iterable[int]]) -> "NeuronSet":  # type: ignore[override]  # of neurons alone
        return NeuronSet((*self, *other))

    def __sub__(self, other: Iterable[object]) -> "NeuronSet":
        gone = set(other)
        return NeuronSet(n for n in self if n not in gone)

    def __hash__(self) -> int:
        return hash(self._members)

    @property
    def by_layer(self) -> dict[int, tuple[int, ...]]:
        """The indices in each layer, lower layers first."""
        return {layer: tuple(n.index for n in self if n.layer == layer) for layer in sorted({n.layer for n in self})}

    def to_frame(self) -> pl.DataFrame:
        """One row a neuron: rank (from 1), layer, index."""
        columns = {"layer": [n.layer for n in self], "index": [n.index for n in self]}
        return pl.DataFrame({"rank": range(1, len(self) + 1)} | columns)

    def __str__(self) -> str:
        more = f", and {len(self) - _SHOWN:,} more" if len(self) > _SHOWN else ""
        return f"{', '.join(map(str, self[:_SHOWN]))}{more}" if self else "no neurons"

    def __repr__(self) -> str:
        return f"NeuronSet({len(self):,} neurons: {self})" if self else "NeuronSet()"

    def _repr_html_(self) -> str:
        layers = ", ".join(f"{len(indices):,} in layer {layer}" for layer, indices in self.by_layer.items())
        return f"<p>{len(self):,} neurons{': ' if layers else ''}{layers}</p>{self.to_frame().head(20)._repr_html_()}"
