"""A token as people read it: its text and line, and the code around it."""

from dataclasses import dataclass, field

from neurosieve.concepts.properties import Source
from neurosieve.concepts.rows import ConceptRows
from neurosieve.results.concept_evidence import Context

LINES, CHARACTERS = 60, 3000  # of a function that is shown whole
AROUND = 10  # lines shown before and after a token otherwise


@dataclass(frozen=True)
class Contexts:
    """Shows tokens; a text is parsed when the first of its tokens is asked for.

    Attributes:
        rows: Whose tokens.
    """

    rows: ConceptRows
    _sources: dict[int, Source] = field(default_factory=dict)

    def of(self, row: int) -> Context:
        """The token of a row of the table in the innermost function around it.

        A function longer than 60 lines or 3,000 characters is cut to the lines around the token, and so is code outside
        of functions.
        """
        table = self.rows.table
        example, start, end = (int(column[row]) for column in (table.example, table.start, table.end))
        e = self.rows.dataset.examples[example]
        first, last = shown_span(e.text, start, end, self._function(example, start, end))
        return context_of(e.id, e.text, (start, end), (first, last))

    def _function(self, example: int, start: int, end: int) -> tuple[int, int] | None:
        if example not in self._sources:
            e = self.rows.dataset.examples[example]
            self._sources[example] = Source(e.text, self.rows.languages[example], e.id)
        source = self._sources[example]
        (unit,) = source.find([(start, end)])
        return source.units[unit].function if unit >= 0 else None


def shown_span(text: str, start: int, end: int, function: tuple[int, int] | None) -> tuple[int, int]:
    """First and last character of what is shown around a token: its function, or lines near it where that is long."""
    first, last = function or (0, len(text))
    first = text.rfind("\n", 0, first) + 1
    if last - first > CHARACTERS or text.count("\n", first, last) >= LINES:
        first, last = _near(text, start, end, first, last)
    return first, last


def context_of(example: str, text: str, token: tuple[int, int], shown: tuple[int, int]) -> Context:
    """A token of a text in what is shown of it, see `shown_span`."""
    (start, end), (first, last) = token, shown
    line, end = text.count("\n", 0, start) + 1, min(end, last)
    return Context(example=example, line=line, text=text[first:last], start=start - first, end=end - first)


def _near(text: str, start: int, end: int, first: int, last: int) -> tuple[int, int]:
    """Lines around a token between two places, in 3,000 characters at most."""
    before, behind = text[first:start].split("\n"), text[end:last].split("\n")
    begin = start - len("\n".join(before[-AROUND - 1 :]))
    stop = end + len("\n".join(behind[: AROUND + 1]))
    room = max(CHARACTERS - (end - start), 0) // 2
    begin, stop = max(begin, start - room), min(stop, end + room)
    return begin, min(stop, begin + CHARACTERS)
