"""How much code is shown around a token."""

from neurosieve.results.concept_evidence import Context

LINES, CHARACTERS = 60, 3000  # of a function that is shown whole
AROUND = 10  # lines shown before and after a token otherwise


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
