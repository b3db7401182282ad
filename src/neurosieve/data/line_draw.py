"""Rows drawn line by line, so that less text has to be read for as many rows.

Where each text is a line, rows drawn one by one are scattered: nearly each has a line of its own, and nine tenths of
what the model reads for them is thrown away. Here a line that is read gives rows of every class that still lacks some.

Lines come in random order, and a class takes rows from each that holds it until it has its own. So its rows are those
of lines drawn uniformly among all that hold it. Rarer classes could choose first, and all take what they read: that is
less text still, but identifiers would then be those next to strings, and probes err more often elsewhere.

Files are not drawn so: rows of few files, or of few stretches of files, are much alike, and probes err more often.
"""

import random
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from statistics import median_low

LINE = 250  # characters: texts are lines if half of them are at most so long
OF_EACH = 2  # rows of one line are alike: a class takes so many of each, and one more for each `LINE` characters

Unit = tuple[int, int, int, int]


def are_lines(lengths: Iterable[int]) -> bool:
    """Whether texts of such lengths (characters, at least one) are lines, not files."""
    return median_low(lengths) <= LINE


def draw_by_line(pools: Sequence[Sequence[Unit]], length: Callable[[int], int], wanted: int, seed: int) -> list[Unit]:
    """The same number of units of each class (all where there are fewer), from few examples.

    Fewer units are a part of more, where the examples have enough without a second turn.

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
    for example in rng.sample(sorted(members), len(members)):
        most = OF_EACH + length(example) // LINE
        for c, units in members[example].items():
            taken = units[: min(most, lacking[c])]
            chosen += taken
            spare[c] += units[len(taken) :]
            lacking[c] -= len(taken)
    for units, lack in zip(spare, lacking, strict=True):
        chosen += rng.sample(units, lack)  # some where all lines of the class are read
    return chosen


def _members(pools: Sequence[Sequence[Unit]], rng: random.Random) -> dict[int, dict[int, list[Unit]]]:
    """Units in random order by example and class."""
    members: dict[int, dict[int, list[Unit]]] = defaultdict(lambda: defaultdict(list))
    for c, pool in enumerate(pools):
        for unit in rng.sample(pool, len(pool)):
            members[unit[0]][c].append(unit)
    return members
