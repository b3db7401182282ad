"""Finding and reading a data set's files: split names, gzip, UTF-8, and errors that name the file."""

import codecs
import glob
import gzip
import hashlib
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from neurosieve.errors import DataError
from neurosieve.typing import SPLITS, PathLike, Split

SPLIT_NAMES: dict[Split, tuple[str, ...]] = {
    "train": ("train",),
    "validation": ("validation", "valid", "val", "dev"),
    "test": ("test",),
}


@dataclass(frozen=True)
class TextFile:
    """A decoded file with the hash of its bytes as they lie on disk."""

    path: Path
    text: str
    sha256: str


def data_folder(path: PathLike) -> Path:
    """The folder at `path`.

    Raises:
        DataError: There is no such folder, or it cannot be read.
    """
    folder = Path(path)
    try:
        if not folder.is_dir():
            came = "a file" if folder.is_file() else "nothing there"
            raise DataError(f"data folder {folder}", expected="an existing folder", got=came, remedy="check --data")
        for inside in folder.iterdir():
            inside.lstat()  # so that a folder without the right to look inside is refused here
    except OSError as e:
        raise DataError(
            f"data folder {folder}",
            expected="a readable folder",
            got=e.strerror or str(e),
            remedy="check --data and its rights",
        ) from e
    return folder


def find_split(folder: Path, split: Split, ending: str) -> Path | None:
    """The one file of a split with this ending, plain or `.gz`; without an ending its folder.

    Raises:
        DataError: Two files could be meant.
    """
    candidates = [folder / f"{name}{ending}{gz}" for name in SPLIT_NAMES[split] for gz in ("", ".gz")]
    found = [p for p in candidates if (p.is_file() if ending else p.is_dir())]
    if len(found) > 1:
        names = " and ".join(p.name for p in found)
        raise DataError(f"{split} split in {folder}", expected="one file", got=names, remedy="remove all but one")
    return found[0] if found else None


def find_splits(folder: Path, ending: str, *, validation_needed: bool) -> dict[Split, Path]:
    """The files of all splits with this ending; empty if there is none at all.

    Raises:
        DataError: A split is missing while others are there.
    """
    found = {s: p for s in SPLITS if (p := find_split(folder, s, ending))}
    if not found:
        return {}
    if not validation_needed and "validation" in found:
        raise DataError(
            f"{folder}",
            expected="no validation file beside --validation-from-train",
            got=found["validation"].name,
            remedy="leave the option out",
        )
    for split in SPLITS:
        if split not in found and (split != "validation" or validation_needed):
            names = ", ".join(f"{n}{ending}[.gz]" for n in SPLIT_NAMES[split])
            remedy = (
                "add the file or pass --validation-from-train 0.1" if split == "validation" else "add the missing file"
            )
            came = ", ".join(p.name for p in found.values())
            raise DataError(f"{split} split in {folder}", expected=f"one of {names}", got=f"only {came}", remedy=remedy)
    return found


def ignored_files(folder: Path, used: Sequence[Path]) -> dict[str, int]:
    """A note on what lies beside the splits and looks like one, so that its owner learns that it was not read.

    Args:
        folder: Of the data.
        used: Files that were read; where splits are folders, these.
    """

    def looks(path: Path) -> tuple[str, bool]:
        return "".join(path.suffixes).removesuffix(".gz"), path.is_dir()

    known = {looks(p) for p in used}
    others = sorted(p.name for p in folder.iterdir() if p not in used and looks(p) in known)
    return {f"files ignored, as no split is called so: {', '.join(others)}": len(others)} if others else {}


def read_text(path: Path, *, blank: bool = False) -> TextFile:
    """Read and decode a file, line ends untouched, without a byte order mark.

    Args:
        path: Plain or `.gz`.
        blank: Let a file without any text pass.

    Raises:
        DataError: Unreadable, empty, broken gzip or not UTF-8 (with the byte's place).
    """
    try:
        raw = path.read_bytes()
        data = gzip.decompress(raw) if path.suffix == ".gz" else raw
        data = data.removeprefix(codecs.BOM_UTF8)
        text = data.decode("utf-8")
    except (gzip.BadGzipFile, EOFError, zlib.error) as e:
        raise DataError(f"{path}", expected="a whole gzip file", got=str(e), remedy="pack or copy it again") from e
    except UnicodeDecodeError as e:
        line = data[: e.start].count(b"\n") + 1
        came = f"byte 0x{data[e.start]:02x} on line {line}"
        raise DataError(f"{path}", expected="UTF-8 text", got=came, remedy="convert the file to UTF-8") from e
    except OSError as e:
        reason = e.strerror or str(e)
        raise DataError(f"{path}", expected="a readable file", got=reason, remedy="check path and rights") from e
    if not blank and not text.strip():
        raise DataError(f"{path}", expected="at least one line", got="an empty file", remedy="fill or remove it")
    return TextFile(path, text, hashlib.sha256(raw).hexdigest())


def file_hash(path: Path) -> str:
    """sha256 of a file's bytes."""
    with path.open("rb") as f:
        return hashlib.file_digest(f, "sha256").hexdigest()


def file_hashes(path: PathLike) -> dict[str, str]:
    """sha256 of a file, or of each file in a folder, by name; files that belong to a file by their stem count too.

    Raises:
        DataError: Nothing there, or it cannot be read.
    """
    place = Path(path)
    try:
        inside = place.iterdir() if place.is_dir() else place.parent.glob(f"{glob.escape(place.stem)}.*")
        files = sorted(p for p in inside if p.is_file())
        if not files:
            raise DataError(
                f"activations {place}", expected="a file or folder", got="nothing there", remedy="check --activations"
            )
        hashes = {p.name: file_hash(p) for p in files}
    except OSError as e:
        reason = e.strerror or str(e)
        raise DataError(f"{place}", expected="readable files", got=reason, remedy="check path and rights") from e
    return hashes


def split_lines(text: str) -> list[str]:
    r"""Lines ended by \n or \r\n only: other Unicode line ends are part of the code."""
    lines = text.split("\n")
    if lines[-1] == "":
        lines.pop()
    return [line.removesuffix("\r") for line in lines]


def digest(text: str) -> str:
    """A short stable name for a text, used as the group of lines and functions."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
