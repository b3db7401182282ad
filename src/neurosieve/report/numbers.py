"""Numbers and texts as a reader sees them: never more digits than they carry, and no control characters."""

from collections.abc import Sequence
from dataclasses import dataclass

from neurosieve.results.measured import Difference, Score, Spread
from neurosieve.results.redundancy import RedundancyResult

Interval = Sequence[float]
NONE = "–"


@dataclass(frozen=True)
class Metric:
    """How the scores of a result are written.

    Attributes:
        name: In running text.
        chance: What has a score without a look at the row.
        factor: Scores are multiplied by it.
        digits: After the point.
        sign: After a score.
        points: Unit of differences, in heads of tables.
        ticks: Of axes, in d3's words.
    """

    name: str
    chance: str
    factor: int
    digits: int
    sign: str
    points: str
    ticks: str

    def number(self, value: int | float, digits: int | None = None) -> str:
        """A score or a difference without its unit."""
        places = self.digits if digits is None else digits
        return f"{round(self.factor * value, places) + 0.0:.{places}f}"  # the sum makes −0 a 0

    def score(self, value: int | float | None, interval: Interval | None = None) -> str:
        """A score with its interval, for example `97.5 % [96.8, 98.1]`."""
        if value is None:
            return NONE
        text = f"{self.number(value)}{self.sign}"
        return f"{text} [{self.number(interval[0])}, {self.number(interval[1])}]" if interval else text

    def scored(self, score: Score) -> str:
        """A score of some rows with its interval."""
        return self.score(score.value, score.interval)

    def in_words(self, value: int | float) -> str:
        """A score in a sentence: `97.5 %`, or `R² 0.512`."""
        return self.score(value) if self.sign else f"{self.name} {self.score(value)}"

    def ranged(self, spread: Spread | None) -> str:
        """Mean and range of several draws, for example `93.3 % (90.8 – 95.0)`."""
        if spread is None:
            return NONE
        return self.score(spread.mean) + self._range(spread)

    def middle(self, spread: Spread) -> str:
        """Median and range of some draws without their unit, for example `6.5 (5.0 – 9.6)`."""
        return NONE if spread.median is None else self.number(spread.median) + self._range(spread)

    def _range(self, spread: Spread) -> str:
        """Nothing where all draws are equal, as a single one is."""
        low, high = self.number(spread.low), self.number(spread.high)
        return "" if low == high else f" ({low} – {high})"

    def gain(self, part: Difference, unit: str = "") -> str:
        """A difference with its interval, for example `1.2 [0.3, 2.0]`."""
        text, interval = f"{self.number(part.value)}{unit}", part.interval
        return f"{text} [{self.number(interval[0])}, {self.number(interval[1])}]" if interval else text

    def allowed(self, *deltas: float) -> str:
        """Losses allowed: `1 point`, `0.5, 1 points`, or `0.01` of R²."""
        steps = ", ".join(f"{self.factor * d:g}" for d in deltas)
        if not self.sign:
            return steps
        return f"{steps} point{'' if steps == '1' else 's'}"


ACCURACY = Metric("accuracy", "majority class", 100, 1, " %", "points", ".1~%")
R2 = Metric("R²", "train mean", 1, 3, "", "R²", ".2~f")


def metric_of(result: RedundancyResult) -> Metric:
    """The metric of a study."""
    return R2 if result.metric == "r2" else ACCURACY


def per_cent(value: int | float | None, interval: Interval | None = None) -> str:
    """A share with its interval, for example `97.5 % [96.8, 98.1]`."""
    return ACCURACY.score(value, interval)


def ratio(value: int | float | None, interval: Interval | None = None) -> str:
    """A score between 0 and 1 that is not a share, with its interval, for example `0.93 [0.90, 0.96]`."""
    if value is None:
        return NONE
    return f"{value:.2f}" + (f" [{interval[0]:.2f}, {interval[1]:.2f}]" if interval else "")


def p_value(value: int | float | None) -> str:
    """A probability by chance, never shown as 0."""
    if value is None:
        return NONE
    return f"{value:.3f}" if value >= 0.001 else "< 0.001"


def count(value: int | float | None) -> str:
    """A number of things, with a separator for thousands."""
    return NONE if value is None else f"{value:,.10g}"


def counted(value: int, noun: str) -> str:
    """A number with its noun: `1 neuron`, `1,280 neurons`."""
    return f"{count(value)} {noun}{'' if value == 1 else 's'}"


def layers_up_to(layer: int) -> str:
    """The layers from 0 to one of them: `layer 0`, `layers 0–4`."""
    return f"layers 0–{layer}" if layer else "layer 0"


def neuron(pair: Sequence[int]) -> str:
    """A neuron's name: layer and index."""
    return f"{pair[0]}:{pair[1]}"
