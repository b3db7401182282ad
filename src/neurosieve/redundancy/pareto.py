"""Which neuron sets nothing else beats at once in size, depth and accuracy."""

from collections.abc import Sequence
from typing import NamedTuple

from neurosieve.probes.probe import Probe


class Point(NamedTuple):
    """A neuron set with what it costs and what it keeps.

    Attributes:
        source: Where it comes from (`lca`, `layers 0-3`, `clusters 0.3`, …).
        size: Neurons.
        depth: Highest layer that has to be computed (0 = embeddings).
        validation: Accuracy.
        probe: On the set.
    """

    source: str
    size: int
    depth: int
    validation: float
    probe: Probe


def pareto_front(points: Sequence[Point]) -> list[Point]:
    """Points that no other beats or equals in all three (fewer, shallower, more accurate); by size.

    Among equals the first one stays.
    """
    front: list[Point] = []
    for p in sorted(points, key=lambda p: (p.size, p.depth, -p.validation)):
        if p.size and not any(q.depth <= p.depth and q.validation >= p.validation for q in front):
            front.append(p)
    return front
