"""Rows drawn passage by passage, so that less text has to be read for as many rows.

A passage is a line, or a stretch of a longer text. Rows drawn one by one are scattered: nearly each has a line of its
own, and nine tenths of what the model reads for them is thrown away. Here a passage that is read gives rows of every
class that still lacks some.

Passages come in random order, and a class takes rows from each that holds it until it has its own. So its rows are
those of passages drawn uniformly among all that hold it. Rarer classes could choose first, and all take what they read:
that is less text still, but identifiers would then be those next to strings, and probes err more often elsewhere.
"""

import random
from collections import defaultdict
from collections.abc import Callable, Sequence

PASSAGE = 1500  # characters: about what one window holds
# Rows of one passage are alike. A class takes two of each, and one more for so many characters.
OF_EACH, MORE = 2, 250

Unit = tuple[int, int, int, int]
Passage = tuple[int, int]


def draw_by_passage(
    pools: Sequence[Sequence[Unit]], length: Callable[[int], int], wanted: int, seed: int
) -> list[Unit]:
    """The same number of units of each class (all where there are fewer), from few passages.

    Fewer units are a part of more, where the passages have enough without a second turn.

    Args:
        pools: Units of each class: (example, start, end, class).
        length: Characters of an example.
        wanted: Units of each class.
        seed: Of every draw.
    """
    rng = random.Random(seed)
    members = _members(pools, rng)
    lacking = [min(wanted, len(pool)) for pool in pools]
    chosen: list[Unit] = []
    spare: list[list[Unit]] = [[] for _ in pools]
    for place in rng.sample(sorted(members), len(members)):
        most = OF_EACH + min(PASSAGE, length(place[0])) // MORE
        for c, units in members[place].items():
            taken = units[: min(most, lacking[c])]
            chosen += taken
            spare[c] += units[len(taken) :]
            lacking[c] -= len(taken)
    for units, lack in zip(spare, lacking, strict=True):
        chosen += rng.sample(units, lack)  # some where all passages of the class are read
    return chosen


def _members(pools: Sequence[Sequence[Unit]], rng: random.Random) -> dict[Passage, dict[int, list[Unit]]]:
    """Units in random order by passage and class."""
    members: dict[Passage, dict[int, list[Unit]]] = defaultdict(lambda: defaultdict(list))
    for c, pool in enumerate(pools):
        for unit in rng.sample(pool, len(pool)):
            members[unit[0], unit[1] // PASSAGE][c].append(unit)
    return members
