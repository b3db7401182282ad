"""What a comparison of runs found: `compare.json`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import polars as pl

from neurosieve.errors import unknown_name
from neurosieve.results.comparison_frames import cell_frame, kind_frame, run_frame, transfer_frame
from neurosieve.results.comparison_pairs import ComparedSide, NeuronKinds, PairComparison


@dataclass(frozen=True, kw_only=True, repr=False)
class ComparisonResult:
    """What several runs have in common.

    Examples:
        >>> found = ns.compare("runs/java", "runs/again")
        >>> found.pairs[0].relation.value
        'same model'
        >>> found.to_frame().columns[:4]
        ['a', 'b', 'relation', 'part']

    Attributes:
        format: Of the file.
        runs: That were compared.
        pairs: Each two of them.
        kinds: Kinds of neurons, of each group of runs of one model.
        options: Of the comparison.
        seconds: In all.
        versions: Of the packages that can move a result.
    """

    format: Literal[1]
    runs: tuple[ComparedSide, ...]
    pairs: tuple[PairComparison, ...]
    kinds: tuple[NeuronKinds, ...]
    options: Mapping[str, Any]
    seconds: float
    versions: Mapping[str, str]

    def pair(self, a: str, b: str) -> PairComparison:
        """The comparison of two runs, given by their names in either order.

        Raises:
            ConfigError: No such run.
        """
        names = [run.name for run in self.runs]
        for name in (a, b):
            if name not in names:
                raise unknown_name("run", name, names)
        return next(p for p in self.pairs if {p.a, p.b} == {a, b})

    def to_frame(self, name: str = "cells") -> pl.DataFrame:
        """A part of the result as a table.

        Args:
            name: "cells" (one row a figure that has a chance level), "transfers", "runs" or "kinds".

        Raises:
            ConfigError: Another name.
        """
        frames: dict[str, Callable[[], pl.DataFrame]] = {
            "cells": lambda: cell_frame(self.pairs),
            "transfers": lambda: transfer_frame(self.pairs),
            "runs": lambda: run_frame(self.runs),
            "kinds": lambda: kind_frame(self.kinds),
        }
        if name not in frames:
            raise unknown_name("table", name, frames)
        return frames[name]()

    def to_html(self) -> str:
        """The comparison as one self-contained page."""
        from neurosieve.report.comparison_page import render_comparison

        return render_comparison(self)

    def __repr__(self) -> str:
        return f"ComparisonResult({', '.join(run.name for run in self.runs)})"

    def __str__(self) -> str:
        from neurosieve.report.comparison_text import comparison_text

        return comparison_text(self)

    def _repr_html_(self) -> str:
        from neurosieve.report.comparison import comparison_html

        return comparison_html(self)
