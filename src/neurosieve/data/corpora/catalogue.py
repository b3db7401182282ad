"""Tasks made from a folder of source code, without any download: defects, descriptions, clones.

Whole files are dealt to the splits, so no function is in two of them; of functions with the same text one is kept. A
function is one row of a defect corpus, as it is or with the defect, not both: rows stay independent. Which functions
get the defect is drawn by seed among those that could have it, so neither length nor kind of code predicts the label.
(In CuBERT's benchmark, arXiv 2001.00059, a function may be in both classes.) In pairs that do not belong together both
sides are of about the same length, and went through the same rewriting as in those that do.
"""

import hashlib
import random
import sysconfig
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from neurosieve.data.corpora.clones import Names, can_be_renamed, clone, without_comments, without_docstring
from neurosieve.data.corpora.known_corpora import CORPORA
from neurosieve.data.corpora.mutations import (
    Edit,
    operator_usage,
    rewrite,
    swapped_operand,
    variable_misuse,
    wrong_operator,
)
from neurosieve.data.dataset import Dataset, Example, Pair, Span
from neurosieve.data.limits import LIMITS, Limits, TooLargeError
from neurosieve.data.readers.files import data_folder, printable, read_text
from neurosieve.data.readers.source import TOO_LARGE, UNREADABLE, deal_files
from neurosieve.errors import DataError, unknown_name
from neurosieve.syntax.functions import WORD, Function, Syntax, description, find_functions
from neurosieve.syntax.languages import LANGUAGES, find_sources, language_of
from neurosieve.typing import SPLITS, PathLike, Split

LINES = range(3, 61)  # of the functions that are read
MOST: dict[Split, int] = {"train": 12_000, "validation": 3_000, "test": 5_000}  # functions that are read
LEAST = 2  # rows of a class in a split
DESCRIBED = 3  # words of a description
DESCRIPTION, COPY = ":description", ":copy"  # what follows a function's name in the names of texts made from it
# Folders of the standard library that hold no library.
_OUTSIDE = {"test", "tests", "idle_test", "lib2to3"}


class Found(NamedTuple):
    """A function with the name of its file."""

    file: str
    function: Function

    @property
    def id(self) -> str:
        """Unique name."""
        return f"{self.file}:{self.function.line}"


Functions = Mapping[Split, Sequence[Found]]


class Made(NamedTuple):
    """A corpus without its origin."""

    examples: list[Example]
    pairs: list[Pair]
    notes: Counter[str]


def read_corpus(name: str, folder: PathLike | None = None, *, seed: int = 0, limits: Limits = LIMITS) -> Dataset:
    """Make a corpus from the source files below a folder.

    The most frequent language is taken. At most `MOST` functions are read, files in an order drawn by seed.

    Args:
        name: One of `CORPORA`.
        folder: Holds source files; the running Python's standard library by default.
        seed: For splits and all draws: the same files and seed give the same corpus.
        limits: On each file; those above are left out, and counted.

    Raises:
        ConfigError: Unknown corpus.
        DataError: No folder, no source files, or too few functions that fit.
    """
    if name not in CORPORA:
        raise unknown_name("corpus name", name, CORPORA)
    origin = "Python standard library" if folder is None else printable(str(folder))
    files, language, notes = _files(folder)
    hashes: dict[str, str] = {}
    functions = _read(files, language, seed, limits, hashes, notes)
    made = _MAKERS[name](functions, seed)
    total = hashlib.sha256("".join(f"{k}{v}" for k, v in sorted(hashes.items())).encode()).hexdigest()
    count = sum(not e.id.endswith((DESCRIPTION, COPY)) for e in made.examples)
    what = "functions" if folder is None else f"{language} functions"
    dataset = Dataset(
        tuple(made.examples),
        f"{origin}: {count:,} {what}, {name}",
        {reason: n for reason, n in (notes + made.notes).items() if n},
        {"files": total},
        whole=True,
        pairs=tuple(made.pairs),
    )
    _check(dataset, f"{name} from {origin}")
    return dataset


def _files(folder: PathLike | None) -> tuple[dict[str, Path], str, Counter[str]]:
    """Source files by name, in one language, and what was left out."""
    if folder is None:
        root = Path(sysconfig.get_path("stdlib"))
        sources = find_sources(root, ["python"])
        paths = [p for p in sources.files if not _OUTSIDE & set(p.relative_to(root).parts)]
        notes = Counter[str]()  # installed packages are no part of the library
    else:
        root = data_folder(folder)
        paths, notes = (sources := find_sources(root)).files, Counter(sources.notes)
    if not paths:
        endings = ", ".join(ending for known in LANGUAGES.values() for ending in known.endings)
        raise DataError(
            f"{root}", expected=f"source files ({endings})", got="none", remedy="point --data at a folder with code"
        )
    languages = Counter(language_of(p.name) or "" for p in paths)
    language = min(languages, key=lambda known: (-languages[known], known))
    chosen = {printable(p.relative_to(root).as_posix()): p for p in paths if language_of(p.name) == language}
    notes[f"source files left out: not in {language}"] = len(paths) - len(chosen)
    return chosen, language, notes


def _read(
    files: Mapping[str, Path],
    language: str,
    seed: int,
    limits: Limits,
    hashes: dict[str, str],
    notes: Counter[str],
) -> dict[Split, list[Found]]:
    """The functions of each split, each text once."""
    splits = deal_files(files, seed)
    order = sorted(files)
    random.Random(f"files {seed}").shuffle(order)
    seen: set[str] = set()
    functions: dict[Split, list[Found]] = {split: [] for split in SPLITS}
    for split in SPLITS:
        for name in (n for n in order if splits[n] == split):
            if len(functions[split]) >= MOST[split]:
                notes["source files not read: there were enough functions"] += 1
                continue
            for function in _functions_of(name, files[name], language, limits, hashes, notes):
                if function.text in seen:
                    notes["functions left out: same text as another one"] += 1
                else:
                    seen.add(function.text)
                    functions[split].append(Found(name, function))
        functions[split].sort(key=lambda found: (found.file, found.function.line))
    return functions


def _functions_of(
    name: str, path: Path, language: str, limits: Limits, hashes: dict[str, str], notes: Counter[str]
) -> Iterator[Function]:
    try:
        file = read_text(path, limits, row="file", blank=True)
    except DataError as e:
        notes[TOO_LARGE if isinstance(e, TooLargeError) else UNREADABLE] += 1
        return
    hashes[name] = file.sha256
    for function in find_functions(file.text, language):
        if function.lines in LINES:
            yield function
        else:
            notes[f"functions left out: not of {LINES[0]} to {LINES[-1]} lines"] += 1


def _check(dataset: Dataset, subject: str) -> None:
    counts = dataset.label_counts
    for split in SPLITS:
        rows = [by_split[split] for by_split in counts.values()]
        if len(rows) < 2 or min(rows) < LEAST:
            raise DataError(
                subject,
                expected=f"at least {LEAST} rows of each class in the {split} split",
                got=f"{min(rows, default=0)}",
                remedy="point --data at a folder with more functions",
            )


Mutate = Callable[[Syntax, random.Random], Iterable[Edit]]


def _defects(start: Callable[[Functions], Mutate], functions: Functions, seed: int) -> Made:
    """Half of the functions that could have a defect get it."""
    mutate, rng = start(functions), random.Random(f"defects {seed}")
    made = Made([], [], Counter())
    taken = {entry.function.text for split in SPLITS for entry in functions[split]}
    for split in SPLITS:
        fit = []
        for entry in functions[split]:
            if text := _mutant(Syntax(entry.function), mutate, rng, taken):
                taken.add(text)
                fit.append((entry, text))
            else:
                made.notes["functions left out: no place for the change"] += 1
        wrong = set(rng.sample(range(len(fit)), len(fit) // 2))
        right = rng.sample([i for i in range(len(fit)) if i not in wrong], len(wrong))
        for i in sorted(wrong | set(right)):
            entry, text = fit[i][0], fit[i][1] if i in wrong else fit[i][0].function.text
            label = Span(0, len(text), "wrong" if i in wrong else "right")
            made.examples.append(Example(entry.id, text, (label,), split, entry.file))
    return made


def _mutant(syntax: Syntax, mutate: Mutate, rng: random.Random, taken: set[str]) -> str | None:
    """The function with one defect; a text that parses and that no other function has."""
    if syntax.node is None:
        return None
    texts = (syntax.unwrapped(rewrite(syntax.data, [edit])) for edit in mutate(syntax, rng))
    return next((text for text in texts if text is not None and text not in taken), None)


class _Text(NamedTuple):
    """One side of a pair."""

    id: str
    text: str
    file: str


def _matched(sizes: Sequence[int], rng: random.Random) -> Iterator[tuple[int, int, str]]:
    """Half of the items with themselves, label 1; each of the others with the next larger one, label 0."""
    order = rng.sample(range(len(sizes)), len(sizes))
    half = len(sizes) // 2
    yield from ((i, i, "1") for i in order[:half])
    others = sorted(order[half:], key=lambda i: (sizes[i], i))
    yield from ((a, b, "0") for a, b in pairwise(others))


def _add_pairs(made: Made, split: Split, rows: Sequence[tuple[_Text, _Text, str]], rng: random.Random) -> None:
    """As many rows of each label as there are of the rarer one."""
    by_label = [[row for row in rows if row[2] == label] for label in ("0", "1")]
    count = min(map(len, by_label))
    for left, right, label in sorted(row for of_label in by_label for row in rng.sample(of_label, count)):
        at = len(made.examples)
        made.examples.extend(Example(t.id, t.text, (), split, t.file) for t in (left, right))
        made.pairs.append(Pair(f"{left.id} {right.id}", at, at + 1, label, split, left.file))


def _descriptions(functions: Functions, seed: int) -> Made:
    """Functions without their description, each with its own or with that of a function of about its length."""
    made, rng, seen = Made([], [], Counter()), random.Random(f"descriptions {seed}"), set[str]()
    for split in SPLITS:
        fit: list[tuple[_Text, _Text]] = []
        for entry in functions[split]:
            query, code = _description_and_code(entry.function)
            if not code or len(query.split()) < DESCRIBED:
                made.notes[f"functions left out: no description of at least {DESCRIBED} words"] += 1
            elif query in seen or code in seen:
                made.notes["functions left out: described or written like another one"] += 1
            else:
                seen |= {query, code}
                fit.append(
                    (
                        _Text(f"{entry.id}{DESCRIPTION}", query, entry.file),
                        _Text(entry.id, code, entry.file),
                    )
                )
        matched = _matched([len(code.text) for _, code in fit], rng)
        _add_pairs(made, split, [(fit[a][0], fit[b][1], label) for a, b, label in matched], rng)
    return made


def _description_and_code(function: Function) -> tuple[str, str]:
    syntax = Syntax(function)
    if syntax.node is None:
        return "", ""
    edits = without_docstring(syntax)
    if syntax.docstring is not None and not edits:
        return "", ""
    return description(function, syntax), syntax.unwrapped(rewrite(syntax.data, edits)) or ""


def _clones(functions: Functions, seed: int) -> Made:
    """Functions, each with a copy of itself or of another one that is about as long without its comments."""
    made, rng, seen = Made([], [], Counter()), random.Random(f"clones {seed}"), set[str]()
    for split in SPLITS:
        names, fit = Names(), list[tuple[Found, int]]()
        for entry in functions[split]:
            syntax = Syntax(entry.function)
            if not can_be_renamed(syntax):
                made.notes["functions left out: no names that can be replaced"] += 1
                continue
            plain = rewrite(syntax.data, without_comments(syntax)).decode("utf-8")
            shape = "".join(WORD.sub("x", plain).split())
            if shape in seen:  # as a pair with the label 0 the two would be clones in truth
                made.notes["functions left out: they differ from another one in words and comments only"] += 1
            else:
                seen.add(shape)
                names.add(syntax)
                fit.append((entry, len(plain)))
        rows = []
        for a, b, label in _matched([size for _, size in fit], rng):
            left, right = fit[a][0], fit[b][0]
            if copy := clone(Syntax(right.function), rng, names, WORD.findall(left.function.text)):
                original = _Text(left.id, left.function.text, left.file)
                rows.append((original, _Text(f"{right.id}{COPY}", copy, right.file), label))
            else:
                made.notes["pairs left out: no copy could be made"] += 1
        _add_pairs(made, split, rows, rng)
    return made


def _by_usage(functions: Functions) -> Mutate:
    return partial(wrong_operator, usage=operator_usage(entry.function for entry in functions["train"]))


# What makes each of `CORPORA` from the functions of the splits and a seed.
_MAKERS: dict[str, Callable[[Functions, int], Made]] = {
    "wrong-operator": partial(_defects, _by_usage),
    "swapped-operand": partial(_defects, lambda _: swapped_operand),
    "variable-misuse": partial(_defects, lambda _: variable_misuse),
    "docstring-match": _descriptions,
    "renamed-clone": _clones,
}
