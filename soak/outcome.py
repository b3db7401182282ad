"""What was tried, and what of it was lost."""

from dataclasses import asdict, dataclass, field
from enum import IntEnum
from typing import Any


class Amount(IntEnum):
    """How much is tried: a few in seconds, the usual in half an hour, or three times that."""

    SHORT = 0
    USUAL = 1
    FULL = 3

    def times(self, usual: int, short: int) -> int:
        """A number of trials."""
        return usual * self or short


@dataclass
class Outcome:
    """One kind of trouble.

    Attributes:
        part: `kills`, `races`, …
        kind: What was tried, in words.
        tried: How often.
        lost: What did not hold, in words; each is a bug.
        seconds: Wall clock, on whatever else the machine did.
    """

    part: str
    kind: str
    tried: int = 0
    lost: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def held(self) -> int:
        """How often nothing was lost."""
        return self.tried - len(self.lost)

    def add(self, name: str, fault: str | None) -> None:
        """One trial more; `fault` says what was lost, if anything was."""
        self.tried += 1
        if fault:
            self.lost.append(f"{name}: {fault}")

    def plain(self) -> dict[str, Any]:
        """As JSON keeps it."""
        return asdict(self)


def table(outcomes: list[Outcome]) -> str:
    """Markdown, one line a kind."""
    lines = ["| part | what was tried | tried | held | lost | seconds |", "| --- | --- | --- | --- | --- | --- |"]
    for o in outcomes:
        lines.append(f"| {o.part} | {o.kind} | {o.tried:,} | {o.held:,} | {len(o.lost)} | {o.seconds:.0f} |")
    return "\n".join(lines)
