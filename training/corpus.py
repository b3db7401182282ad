"""Gathers real source code, cleans it, splits it by project, and writes it as compressed shards.

    python -m training.corpus --out FOLDER

The shards are `FOLDER/train/*.jsonl.gz` and `FOLDER/heldout/*.jsonl.gz`, one file of code a line.
"""

import argparse
import gzip
import hashlib
import io
import json
import re
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from neurosieve.errors import DataError
from training.common import LANGUAGES, check_disk, exit_code, write_json, write_whole
from training.sources import Project, SourceFile, all_files

NEED = 3_000_000_000
SHARD = 10_000_000
TRAIN_BYTES, HELD_OUT_BYTES = 27_000_000, 1_500_000
SMALLEST, LARGEST = 300, 200_000
# A line shorter than this is no sign of copying: braces, `else:`, `return None`.
TELLING = 20
COPIED = 0.5
TEST_FOLDERS = frozenset(["test", "tests", "testsuite", "testsuites", "testing", "idle_test"])
GENERATED = re.compile(r"generated (by|from|file)|do not edit|auto-?generated|@generated", re.IGNORECASE)
LICENCE_BLOCK = re.compile(r"\A\s*(/\*.*?\*/|(?:(?:#|//)[^\n]*\n)+)\s*", re.DOTALL)
COMMENT = re.compile(r"^\s*(\*|//|/\*|#(?!\s*(include|define|if|ifdef|ifndef|endif|else|elif|undef|pragma|error)\b))")


@dataclass(frozen=True)
class Document:
    """A cleaned file of code."""

    project: Project
    language: str
    path: str
    text: str
    sha256: str

    @property
    def size(self) -> int:
        """Bytes of the text."""
        return len(self.text.encode())


def clean(file: SourceFile) -> Document | None:
    """The file without its licence header, or None where it is generated, minified, a table, a test or mostly prose."""
    if TEST_FOLDERS & set(PurePosixPath(file.path).parts):
        return None
    try:
        text = file.data.decode("utf-8").replace("\r\n", "\n")
    except UnicodeDecodeError:
        return None
    head = LICENCE_BLOCK.match(text)
    generated = GENERATED.search(text[:2000])
    # Licence headers stand in every file: a model would learn them by heart and look better than it is.
    if head and re.search("copyright|licen[sc]e", head[0], re.IGNORECASE):
        text = text[head.end() :]
    if generated or "\0" in text or not SMALLEST <= len(text) <= LARGEST or not _is_code(text):
        return None
    return Document(file.project, file.language, file.path, text, hashlib.sha256(text.encode()).hexdigest())


def _is_code(text: str) -> bool:
    lines = [line for line in text.splitlines() if line.strip()]
    comments = sum(bool(COMMENT.match(line)) for line in lines)
    digits = sum(c.isdigit() for c in text)
    too_long = max(map(len, lines)) > 500 or len(text) > 80 * len(lines)
    return comments <= 0.5 * len(lines) and digits <= 0.12 * len(text) and not too_long


def distinct(documents: Iterable[Document]) -> Iterator[Document]:
    """The documents without those of whose telling lines half or more stand in earlier documents."""
    seen: dict[str, set[int]] = defaultdict(set)
    for document in documents:
        lines = {hash(line.strip()) for line in document.text.splitlines() if len(line.strip()) >= TELLING}
        if lines and len(lines & seen[document.language]) < COPIED * len(lines):
            seen[document.language] |= lines
            yield document


def ordered(documents: Sequence[Document]) -> list[Document]:
    """The demo's files first, so that copies of them leave the training side; the rest in an order drawn by hash.

    Training comes before the held-out projects: where they share a file, it is the held-out copy that goes.
    """

    def key(document: Document) -> tuple[bool, bool, str]:
        demo = document.project.name.endswith("-demo")
        return not demo, document.project.held_out, document.sha256

    return sorted(documents, key=key)


def within(documents: Iterable[Document], train: int = TRAIN_BYTES, held_out: int = HELD_OUT_BYTES) -> list[Document]:
    """As many documents as fit each language's share of bytes, so that the languages weigh the same."""
    used: dict[tuple[str, bool], int] = defaultdict(int)
    kept = []
    for document in documents:
        side = (document.language, document.project.held_out)
        if used[side] + document.size <= (held_out if document.project.held_out else train):
            used[side] += document.size
            kept.append(document)
    return kept


def split_of(document: Document) -> str:
    """Name of the side the document stands on."""
    return "heldout" if document.project.held_out else "train"


def write_corpus(documents: Sequence[Document], out: Path) -> dict[str, Any]:
    """Write the shards and `manifest.json`; return the short manifest.

    Raises:
        DataError: There is no document on one of the sides.
    """
    for split in ("train", "heldout"):
        chosen = [d for d in documents if split_of(d) == split]
        if not chosen:
            raise DataError("corpus", expected=f"{split} source files", got="none", remedy="see the sources' folders")
        folder = out / split
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.glob("*.jsonl.gz"):
            old.unlink()
        for language in LANGUAGES:
            _write_shards([d for d in chosen if d.language == language], folder / language)
    short = summary(documents)
    files = [[d.sha256, d.project.name, d.language, split_of(d), d.path] for d in documents]
    write_json(out / "manifest.json", short | {"files": files}, indent=None)
    return short


def _write_shards(documents: Sequence[Document], stem: Path) -> None:
    shards: list[list[Document]] = [[]]
    for document in documents:
        if sum(d.size for d in shards[-1][-1:]) and _total(shards[-1]) + document.size > SHARD:
            shards.append([])
        shards[-1].append(document)
    for number, shard in enumerate(s for s in shards if s):
        lines = [json.dumps({"project": d.project.name, "path": d.path, "text": d.text}) for d in shard]
        data = gzip.compress("\n".join(lines).encode(), compresslevel=6, mtime=0)
        target = stem.with_name(f"{stem.name}-{number:03d}.jsonl.gz")
        write_whole(target, lambda part, data=data: part.write_bytes(data))  # type: ignore[misc]


def _total(documents: Sequence[Document]) -> int:
    return sum(d.size for d in documents)


def summary(documents: Sequence[Document]) -> dict[str, Any]:
    """Files and bytes of each project, and one hash over all files."""
    groups: dict[tuple[Project, str], list[Document]] = defaultdict(list)
    for document in documents:
        groups[document.project, document.language].append(document)
    projects = [
        {
            "project": project.name,
            "version": project.version,
            "licence": project.licence,
            "language": language,
            "split": split_of(members[0]),
            "files": len(members),
            "bytes": _total(members),
        }
        for (project, language), members in groups.items()
    ]
    projects.sort(key=lambda p: (p["language"], p["split"], p["project"]))
    hashes = "\n".join(sorted(d.sha256 for d in documents))
    return {"sha256": hashlib.sha256(hashes.encode()).hexdigest(), "projects": projects}


def read_corpus(folder: Path, split: str, language: str) -> Iterator[str]:
    """The texts of one side and language.

    Raises:
        DataError: No shard is there, or one cannot be read.
    """
    shards = sorted((folder / split).glob(f"{language}-*.jsonl.gz"))
    if not shards:
        raise DataError(
            f"corpus {folder}", expected=f"{split}/{language}-*.jsonl.gz", got="none", remedy="run training.corpus"
        )
    for shard in shards:
        try:
            with io.TextIOWrapper(gzip.open(shard), encoding="utf-8") as lines:
                for line in lines:
                    yield json.loads(line)["text"]
        except (OSError, EOFError, ValueError, KeyError) as error:
            raise DataError(
                str(shard), expected="a readable shard", got=type(error).__name__, remedy="run training.corpus again"
            ) from error


def main() -> int:
    """Gather, clean, split, write."""
    parser = argparse.ArgumentParser(prog="training.corpus", description="Gather source code from public packages.")
    parser.add_argument("--out", type=Path, required=True, help="folder of the corpus")
    parser.add_argument("--summary", type=Path, help="also write the short manifest here")
    args = parser.parse_args()
    check_disk(args.out, NEED)
    cleaned = [d for d in map(clean, all_files(args.out / "downloads")) if d is not None]
    documents = within(distinct(ordered(cleaned)))
    short = write_corpus(documents, args.out)
    if args.summary:
        write_json(args.summary, short)
    for language in LANGUAGES:
        for split in ("train", "heldout"):
            chosen = [d for d in documents if d.language == language and split_of(d) == split]
            print(f"{language:8}{split:9}{len(chosen):6} files {_total(chosen) / 1e6:6.1f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(exit_code(main))
