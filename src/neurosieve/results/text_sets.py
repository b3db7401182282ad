"""Sets of few neurons that tell a property of whole texts: of values by average precision, of numbers by R²."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

import polars as pl

from neurosieve.errors import unknown_name
from neurosieve.results.concept_claims import Concept, ConceptFindings
from neurosieve.results.concept_sets import FewChosen
from neurosieve.results.marks import Inline
from neurosieve.results.measured import Difference, Interval, NotMeasured, Spread
from neurosieve.results.neuron_set import NeuronSet


@dataclass(frozen=True, kw_only=True)
class NumberSet(FewChosen):
    """The best k neurons of a number, with their R² on held-out files.

    R² is that of log(1 + number), against its train mean.

    Attributes:
        neurons: The heaviest first.
        weights: Of each, standardised, in the linear regression on train.
        way: By which they were chosen on train, the better one on validation: `greedy` or the number's own `probe`.
        validation_r2: On validation.
        r2: On held-out files.
        r2_interval: 95 %, by files; None where there is none.
        random: R² of as many random neurons, each draw fitted in the same way.
        untrained: R² of as many neurons of an untrained copy, chosen in the same way; None without one.
        rival: The best rival on test: a guess without the model, or `untrained`.
        rival_r2: Its R².
        difference: R² less the rival's, paired by files.
        lacking: What the set lacks to be claimed, in words; empty where it lacks nothing.
    """

    validation_r2: float
    r2: float
    r2_interval: Interval | None
    random: Annotated[
        Spread, Inline({"mean": "random_mean", "median": "random_median", "low": "random_lo", "high": "random_hi"})
    ]
    untrained: float | None
    rival: str
    rival_r2: float
    difference: Annotated[Difference, Inline({"value": "difference", "interval": "difference_interval"})]
    lacking: str

    def row(self) -> dict[str, str | float | None]:
        """Its line of a table."""
        keys = ("way", "validation_r2", "r2", "untrained", "rival", "rival_r2", "lacking")
        own = {key: getattr(self, key) for key in keys}
        low, high = self.r2_interval or (None, None)
        more = {"random": self.random.mean, "difference": self.difference.value, "neurons": str(self.neurons)}
        return {"size": self.size} | own | {"r2_low": low, "r2_high": high} | more


@dataclass(frozen=True, kw_only=True)
class TextNumber:
    """What was found for the number of a property of whole texts.

    Attributes:
        property_name: Of the property; its values are bins of this number.
        rivals: R² on test of each guess without the model.
        sets: The best k neurons together for each k, the smallest first.
    """

    property_name: str
    rivals: Mapping[str, float]
    sets: tuple[NumberSet, ...] | NotMeasured

    @property
    def name(self) -> str:
        """The property's."""
        return self.property_name

    @property
    def rival(self) -> tuple[str, float]:
        """What predicts the number best without the model, and its R²."""
        return max(self.rivals.items(), key=lambda pair: pair[1])

    @property
    def curve(self) -> tuple[NumberSet, ...]:
        """The best k neurons together for each k; empty where that was not measured."""
        return self.sets if isinstance(self.sets, tuple) else ()

    @property
    def claimed_set(self) -> NumberSet | None:
        """The smallest of them that is claimed as a set; None where none is."""
        return next((s for s in self.curve if not s.lacking), None)


@dataclass(frozen=True, kw_only=True)
class TextSets:
    """Sets of few neurons for the properties of whole texts.

    `found["exceptions=throws"]` is a value, `found["complexity"]` a number.

    Attributes:
        values: Told by average precision; of single neurons nothing is claimed.
        numbers: Told by R², in the order of the properties.
        left_out: Numbers that were not looked for, and why; of values `values` has them.
    """

    values: ConceptFindings
    numbers: tuple[TextNumber, ...]
    left_out: Mapping[str, str]

    def __getitem__(self, name: str) -> Concept | TextNumber:
        """What was found for `property=value`, or for the number of a property.

        Raises:
            ConfigError: Nothing of this name was looked for.
        """
        found: dict[str, Concept | TextNumber] = {c.name: c for c in self.values.concepts}
        found |= {n.name: n for n in self.numbers}
        if name not in found:
            raise unknown_name("property of whole texts", name, found)
        return found[name]

    @property
    def claimed(self) -> dict[str, NeuronSet]:
        """The smallest claimed set of each value and number that has one."""
        both: tuple[Concept | TextNumber, ...] = (*self.values.concepts, *self.numbers)
        return {c.name: few.neurons for c in both if (few := c.claimed_set)}

    def values_frame(self) -> pl.DataFrame:
        """One row per value and size of a set: its scores beside random, untrained and the best rival's."""
        return self.values.sets_frame()

    def numbers_frame(self) -> pl.DataFrame:
        """The same of numbers, in R²."""
        rows = [{"property": n.property_name, **s.row()} for n in self.numbers for s in n.curve]
        return pl.DataFrame(rows, infer_schema_length=None)
