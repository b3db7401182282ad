"""What a figure draws, for tests."""

from itertools import combinations

from neurosieve.report import Chart
from neurosieve.report.figure_marks import Kind, Mark, Point


def marks_of(chart: Chart) -> list[Mark]:
    """All marks of all panels."""
    return [mark for panel in chart.figure.panels for mark in panel.marks]


def named(chart: Chart) -> dict[str, Mark]:
    """Marks by their names in the legend."""
    return {mark.name: mark for mark in marks_of(chart) if mark.name}


def points_of(chart: Chart, kind: Kind) -> list[Point]:
    """The points of all marks of a kind."""
    return [point for mark in marks_of(chart) if mark.kind == kind for point in mark.points]


def differ_without_colour(chart: Chart) -> bool:
    """No two entries of the legend look alike in black and white."""
    looks = [(m.kind, m.look.shape, m.look.open, m.look.dash) for m in named(chart).values()]
    return all(a != b for a, b in combinations(looks, 2))
