"""A token as people read it: its text and line, and the code around it."""

from dataclasses import dataclass, field

from neurosieve.concepts.evidence.shown_code import context_of, shown_span
from neurosieve.concepts.properties import Source
from neurosieve.concepts.rows import ConceptRows
from neurosieve.results.concept_evidence import Context


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
