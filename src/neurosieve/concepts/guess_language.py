"""The language of each text of a data set: named, given by file endings, or guessed from what parses best.

A guess is one for the whole data set, so that a property means the same in every text. It is a choice between the
grammars of the package: a language without one gets the grammar that fits it best, or an error where none fits.
"""

import random
import re
from typing import NamedTuple

from neurosieve.data.dataset import Dataset
from neurosieve.errors import DataError, unknown_name
from neurosieve.syntax.frames import parse_framed
from neurosieve.syntax.languages import LANGUAGES, language_of

SAMPLE = 60  # texts that are parsed for a guess
LEAST = 20  # characters of each: what is shorter parses in any language
MOST_ERROR = 0.3  # share of the sample's text that a guess may leave in error
_CLEAR = 0.01  # share of text in error up to which a guess is not a question
_WITHIN = re.compile(r"(:\w+)+$")  # what follows a file's name in the name of a text from it: `:12`, `:12:copy`


class Languages(NamedTuple):
    """What the texts of a data set are written in.

    Attributes:
        of: The language of each example; None for a query, which is no code.
        note: How it is known, in words.
    """

    of: tuple[str | None, ...]
    note: str


def languages_of(dataset: Dataset, chosen: str | None = None, *, queries: bool = False) -> Languages:
    """The language of each example.

    Args:
        dataset: Examples or pairs.
        chosen: A name of `LANGUAGES` for all code; by default the endings of file names give it if all examples
            are named by files, else it is guessed.
        queries: The left text of each pair is no code (code search); of pairs read as one text none is code.

    Raises:
        ConfigError: No such language.
        DataError: No grammar fits: each leaves more than `MOST_ERROR` of the sample in error.

    Cost: a guess parses `SAMPLE` texts with each grammar, some with frames: about 2 s for 100 kB.
    """
    code = _code(dataset, queries)
    if not any(code):
        return Languages((None,) * len(code), "no text is code alone")
    if chosen is not None:
        if chosen not in LANGUAGES:
            raise unknown_name("language", chosen, LANGUAGES)
        return _same(chosen, code, f"language: {chosen}, as asked for")
    endings = [language_of(_WITHIN.sub("", e.id)) for e in dataset.examples]
    if all(known for known, is_code in zip(endings, code, strict=True) if is_code):
        of = tuple(known if is_code else None for known, is_code in zip(endings, code, strict=True))
        names = sorted({known for known in of if known})
        return Languages(of, f"language by the endings of the files: {', '.join(names)}")
    texts = ["\n".join(e.parts) for e, is_code in zip(dataset.examples, code, strict=True) if is_code]
    return _guessed(texts, code, dataset.source)


def _code(dataset: Dataset, queries: bool) -> list[bool]:
    if not queries:
        return [True] * len(dataset.examples)
    right = {p.right for p in dataset.pairs}
    return [i in right for i in range(len(dataset.examples))]


def _same(language: str, code: list[bool], note: str) -> Languages:
    return Languages(tuple(language if is_code else None for is_code in code), note)


def _guessed(texts: list[str], code: list[bool], source: str) -> Languages:
    errors = unread(texts)
    # A stable sort: ties to the order of LANGUAGES.
    best, second = sorted(errors, key=lambda known: (errors[known].share > MOST_ERROR, *errors[known]))[:2]
    first, other = errors[best], errors[second]
    if first.share > MOST_ERROR:
        raise DataError(
            f"language of {source}",
            expected=f"code that one of the grammars reads ({', '.join(LANGUAGES)})",
            got=f"{100 * first.share:.1f} % of the text in error with the best, {best}",
            remedy="pass --language",
        )
    note = f"language guessed: {best} ({first}; next {second}: {other})"
    unclear = other == first or (first.share > _CLEAR and other.texts < 2 * first.texts)
    return _same(best, code, note + ("; pass --language if it is another" if unclear else ""))


class Unread(NamedTuple):
    """What a grammar does not read of some texts.

    Attributes:
        texts: Share of texts with an error: what separates languages best, since a grammar accepts most of any text.
        share: Share of all their bytes that are in error.
    """

    texts: float
    share: float

    def __str__(self) -> str:
        return f"{100 * self.texts:.0f} % of the texts have an error, {100 * self.share:.1f} % of the text"


def unread(texts: list[str]) -> dict[str, Unread]:
    """For each language what its grammar does not read of a seeded sample of texts."""
    long = [text for text in texts if len(text.strip()) >= LEAST] or texts
    sample = random.Random(0).sample(long, min(SAMPLE, len(long)))
    size = max(sum(len(text.encode()) for text in sample), 1)
    errors = {known: [parse_framed(text, known).errors for text in sample] for known in LANGUAGES}
    return {
        known: Unread(sum(map(bool, errors_of_texts)) / max(len(errors_of_texts), 1), sum(errors_of_texts) / size)
        for known, errors_of_texts in errors.items()
    }
