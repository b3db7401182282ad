"""Token tagging from source files: one example a file, labels from its syntax tree, whole files dealt to the splits."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from neurosieve.data.dataset import Dataset, Example
from neurosieve.data.dealing import deal, dealt_note, refuse_shares
from neurosieve.data.limits import LIMITS, Limits, TooLargeError
from neurosieve.data.readers.files import SPLIT_NAMES, printable, read_text
from neurosieve.data.schemes import find_scheme, label_spans
from neurosieve.errors import DataError
from neurosieve.syntax.languages import LANGUAGES, Sources, find_sources, language_of
from neurosieve.typing import Split

UNREADABLE = "source files left out: not readable as UTF-8 text"
TOO_LARGE = "source files left out: above limits.characters or limits.bytes (raise it with --set)"


def read_sources(
    folder: Path,
    scheme: str,
    seed: int,
    *,
    validation_needed: bool = True,
    shares: Sequence[float] | None = None,
    limits: Limits = LIMITS,
) -> Dataset:
    """A data set from the source files below a folder, in all languages that the scheme can label.

    Folders named `train`, `validation` and `test` directly below it give the splits; if there is no train or no
    test folder, whole files are dealt to the splits by seed (`shares`, by default 60 / 15 / 25 %).

    Raises:
        DataError: No source file that the scheme can label, a file that cannot be read, or a validation folder where
            none is wanted or none where one is needed.
        ConfigError: Unknown scheme.
    """
    sources, files = _sources(folder, scheme)
    named = _named_splits(files)
    if named:
        refuse_shares(shares, f"{folder}", "split folders")
    splits = named or deal_files(files, seed, shares)
    if ("validation" in splits.values()) != validation_needed:
        raise DataError(
            f"validation split in {folder}",
            expected="a validation folder next to train and test" if validation_needed else "none from the folder",
            got="none" if validation_needed else "one",
            remedy="pass --validation-from-train 0.1" if validation_needed else "leave --validation-from-train out",
        )
    chosen = {name: path for name, path in files.items() if name in splits}
    dataset = label_files(chosen, splits, scheme, printable(str(folder)), limits)
    outside = len(files) - len(splits)
    notes = {} if named else dealt_note("source files", splits.values(), seed)
    notes |= {
        "source files outside the split folders": outside,
        f"source files in languages without {scheme} labels": len(sources.files) - len(files),
    }
    counted = {reason: n for reason, n in notes.items() if n} | sources.notes
    return replace(dataset, notes=dict(dataset.notes) | counted)


def _sources(folder: Path, scheme: str) -> tuple[Sources, dict[str, Path]]:
    """Source files below a folder, and those in the scheme's languages by their path in it."""
    languages = find_scheme(scheme).languages
    sources = find_sources(folder)
    paths = sources.files
    files = {printable(p.relative_to(folder).as_posix()): p for p in paths if language_of(p.name) in languages}
    if not files:
        endings = [ending for name in languages for ending in LANGUAGES[name].endings]
        raise DataError(
            f"{folder}",
            expected=f"source files for {scheme} labels ({', '.join(endings)}; plain or .gz)",
            got=_by_language(p.name for p in paths) or "none",
            remedy="use the scheme lexical" if paths else "point --data at the folder that holds them",
        )
    return sources, files


def _by_language(names: Iterable[str]) -> str:
    """Number of files by language, most first: `12 python, 3 java`."""
    counts = Counter(language for name in names if (language := language_of(name)))
    return ", ".join(f"{n} {language}" for language, n in sorted(counts.items(), key=lambda c: (-c[1], c[0])))


def _counted(names: Mapping[str, str]) -> str:
    """`41 python source files`, or of more languages `15 source files (12 python, 3 java)`."""
    by_language = _by_language(names)
    if "," in by_language:
        return f"{len(names)} source files ({by_language})"
    return f"{by_language} source file{'' if len(names) == 1 else 's'}"


def _named_splits(names: Iterable[str]) -> dict[str, Split]:
    """Splits by the folders' names; empty unless there is a train and a test folder."""
    by_name: dict[str, Split] = {name: split for split, called in SPLIT_NAMES.items() for name in called}
    tops = {name: name.split("/")[0] for name in names if "/" in name}
    by_file = {name: by_name[top] for name, top in tops.items() if top in by_name}
    return by_file if {"train", "test"} <= set(by_file.values()) else {}


def deal_files(names: Iterable[str], seed: int, shares: Sequence[float] | None = None) -> dict[str, Split]:
    """Whole files to splits, by seed.

    Raises:
        DataError: Fewer than three files.
    """
    return deal(dict.fromkeys(names, 1), seed, shares, "source files")


def label_files(
    files: dict[str, Path], splits: dict[str, Split], scheme: str, source: str, limits: Limits = LIMITS
) -> Dataset:
    """Read and label files of known languages.

    Empty ones (`__init__.py`) are counted and left out, those that are no readable text, or too large, named too.

    Raises:
        DataError: No file of a split can be read.
    """
    examples, hashes, empty = [], {}, 0
    refused: dict[str, DataError] = {}
    for name, path in sorted(files.items()):
        try:
            file = read_text(path, limits, row="file", blank=True)
        except DataError as e:
            refused[name] = e
            continue
        if not file.text.strip():
            empty += 1
            continue
        hashes[name] = file.sha256
        spans = label_spans(file.text, scheme, language_of(name) or "")
        examples.append(Example(name, file.text, spans, splits[name], name))
    read = {e.split for e in examples}
    for name, error in refused.items():
        if splits[name] not in read:
            raise error
    total = hashlib.sha256("".join(f"{k}{v}" for k, v in hashes.items()).encode()).hexdigest()
    notes = {"empty files": empty} if empty else {}
    large = [name for name, error in refused.items() if isinstance(error, TooLargeError)]
    for why, names in ((UNREADABLE, [n for n in refused if n not in large]), (TOO_LARGE, large)):
        if names:
            more = f" and {len(names) - 5} more" if len(names) > 5 else ""
            notes[f"{why}: {', '.join(names[:5])}{more}"] = len(names)
    described = f"{source}: {_counted(hashes)}, {scheme} labels"
    return Dataset(tuple(examples), described, notes, {"files": total})
