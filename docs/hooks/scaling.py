"""The table of docs/scaling.md: what studies of several sizes cost, by the formulas that `neurosieve plan` uses.

python -m docs.hooks.scaling
"""

from dataclasses import dataclass

from neurosieve.defaults import DEFAULT_ROWS
from neurosieve.studies.cost import moment_bytes, moment_flops, reading_flops

DOLLARS = 4.0  # for an hour of one GPU with 16 cores beside it: a round figure of 2026, not an offer
HALF, SINGLE, DOUBLE = 400e12, 30e12, 30e12  # FLOPs a second that are assumed: bfloat16, float32, float64
CORES, COUNTING = 16, 4e-9  # core seconds for each row, neuron and group of properties (docs/performance.md)
GROUPS = 5  # groups of properties that are counted at once
BITS = {"bfloat16": 2, "float32": 4}


@dataclass(frozen=True)
class Case:
    """One study.

    Attributes:
        name: In words.
        layers: Blocks and the embeddings.
        width: Neurons of a layer.
        parameters: Of the blocks.
        tokens: That are read once.
        length: Tokens of a text.
        rows: Units that are kept of them.
        precision: Of the model and of what would be stored.
        readings: Of the tokens, by the model and its untrained copies.
        repeat: How many such studies.
        counted: Rows that concepts are counted on.
        correlated: Rows that moments are summed over.
    """

    name: str
    layers: int
    width: int
    parameters: float
    tokens: float
    length: int
    rows: float
    precision: str = "float32"
    readings: int = 4
    repeat: int = 1
    counted: float = 0.0
    correlated: float = 0.0


@dataclass(frozen=True)
class Price:
    """What a case costs; hours are those of one GPU, or of the cores beside it for counting."""

    stored: float
    sums: float
    flops: float
    reading: float
    moments: float
    counting: float

    @property
    def dollars(self) -> float:
        """Parts run one after the other."""
        return DOLLARS * (self.reading + self.moments + self.counting)


_BASE = {"layers": 13, "width": 768, "parameters": 85e6, "length": 512}
_ROWS = 2 * sum(DEFAULT_ROWS.values())  # of two classes
CASES = (
    Case(
        "CodeBERT on Devign, all 27,318 functions",
        tokens=27_318 * 512,
        rows=27_318,
        correlated=21_854,
        **_BASE,  # type: ignore[arg-type]
    ),
    Case(
        "seven published models × four tasks, rows by default",
        tokens=_ROWS * 2 * 512,
        rows=_ROWS * 2,
        repeat=28,
        correlated=2 * DEFAULT_ROWS["train"],
        **_BASE,  # type: ignore[arg-type]
    ),
    Case(
        "StarCoder2-7B, 10⁹ tokens, `--no-store`",
        layers=33,
        width=4608,
        parameters=7.0e9,
        tokens=1e9,
        length=4096,
        rows=1e9,
        precision="bfloat16",
        readings=7,
        counted=1e9,
        correlated=1e6,
    ),
)


def price(case: Case) -> Price:
    """By the formulas of `neurosieve plan`; every pass that reads the rows again is one reading more."""
    neurons = case.layers * case.width
    once = reading_flops(case.parameters, case.tokens, case.tokens * case.length, case.width, case.layers - 1)
    flops = once * case.readings * case.repeat
    speed = HALF if case.precision == "bfloat16" else SINGLE
    return Price(
        stored=case.rows * neurons * BITS[case.precision] * case.repeat,
        sums=moment_bytes(neurons),
        flops=flops,
        reading=flops / speed / 3600,
        moments=moment_flops(case.correlated, neurons, case.layers) * case.repeat / DOUBLE / 3600,
        counting=case.counted * neurons * GROUPS * COUNTING / CORES / 3600,
    )


def number(value: float) -> str:
    """Two digits that count."""
    if value >= 100:
        return f"{float(f'{value:.2g}'):,.0f}"
    return f"{value:.2g}" if value else "none"


def table() -> str:
    """In Markdown, one line a case."""
    lines = ["| study | store | sums | reading | hours to read | for moments | to count | dollars |"]
    lines.append("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for case in CASES:
        p = price(case)
        parts = (
            f"{number(p.stored / 1e9)} GB",
            f"{number(p.sums / 1e9)} GB",
            f"{number(p.flops / 1e15)} PFLOP",
            *(number(hours) for hours in (p.reading, p.moments, p.counting)),
            number(p.dollars),
        )
        lines.append(f"| {case.name} | {' | '.join(parts)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    print(table())
