"""Finding and reading a data set's files: split names, gzip, UTF-8, and errors that name the file."""

import codecs
import glob
import gzip
import hashlib
import re
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from neurosieve.data.limits import LIMITS, Limits
from neurosieve.data.readers.metering import Meter, RowKind
from neurosieve.errors import DataError
from neurosieve.storage.folder import check_ordinary
from neurosieve.typing import SPLITS, PathLike, Split

SPLIT_NAMES: dict[Split, tuple[str, ...]] = {
    "train": ("train",),
    "validation": ("validation", "valid", "val", "dev"),
    "test": ("test",),
}
PLACEHOLDER = f"SPLIT: {', '.join(SPLITS)}"  # explains the word in messages
_POINTER = b"version https://git-lfs.github.com/spec/"
_CHUNK = 2**20
_PART = re.compile(r"-[0-9]{5}(-of-[0-9]{5})(-[0-9a-f]+)?")


# What Hugging Face's datasets write in addition to the rows.
_OF_SAVED = ("dataset_dict.json", "dataset_info.json", "state.json")
# What pandas makes of nothing in a column of texts.
_NOTHING = ("nan", "NaN", "NaT", "None", "null", "<NA>")


@dataclass(frozen=True)
class TextFile:
    """A decoded file with the hash of its bytes on disk, and the limits that it is held to."""

    path: Path
    text: str
    sha256: str
    limits: Limits


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


def single_file(path: PathLike, endings: Sequence[str]) -> Path | None:
    """A file that holds the data of all splits: `path` itself, or the only file of a folder with such an ending.

    Args:
        path: Of a file or folder.
        endings: Of such files; each may be followed by `.gz`.

    Returns:
        None where a folder has no such file, several, or anything that is named like a split.

    Raises:
        DataError: A file with another ending.
    """
    place = Path(path)
    if _is_file(place):
        if not _has_ending(place, endings):
            wanted = f"a folder, or a file that ends in {', '.join(endings)} (plain or .gz)"
            raise DataError(f"data {place}", expected=wanted, got=place.name, remedy="check --data")
        return place
    inside = [p for p in data_folder(place).iterdir() if p.name not in _OF_SAVED]
    files = [p for p in inside if p.is_file() and _has_ending(p, endings)]
    names = "|".join(name for names in SPLIT_NAMES.values() for name in names)
    split = re.compile(rf"({names})([^a-zA-Z]|$)")
    return files[0] if len(files) == 1 and not any(split.match(p.name) for p in inside) else None


def _has_ending(path: Path, endings: Sequence[str]) -> bool:
    return path.name.removesuffix(".gz").endswith(tuple(endings)) and not path.name.startswith(".")


def find_split(folder: Path, split: Split, ending: str) -> Path | None:
    """The one file of a split with this ending, plain or `.gz`; without an ending its folder.

    Raises:
        DataError: Two files could be meant.
    """
    candidates = [folder / f"{name}{ending}{gz}" for name in SPLIT_NAMES[split] for gz in ("", ".gz")]
    matching = [p for p in candidates if (p.is_file() if ending else p.is_dir())]
    if len(matching) > 1:
        names = " and ".join(p.name for p in matching)
        raise DataError(f"{split} split in {folder}", expected="one file", got=names, remedy="remove all but one")
    return matching[0] if matching else None


def find_splits(folder: Path, ending: str, *, validation_needed: bool) -> dict[Split, Path]:
    """The files of all splits with this ending; empty if there is none at all.

    Raises:
        DataError: A split is missing while others are there.
    """
    paths = {s: p for s in SPLITS if (p := find_split(folder, s, ending))}
    if paths:
        check_splits(paths, folder, ending, validation_needed=validation_needed)
    return paths


def check_splits(paths: Mapping[Split, Path], folder: Path, ending: str, *, validation_needed: bool) -> None:
    """Refuse splits that are not all there, or a validation split that is not wanted.

    Raises:
        DataError: As it says.
    """
    if not validation_needed and "validation" in paths:
        raise DataError(
            f"{folder}",
            expected="no validation file with --validation-from-train",
            got=paths["validation"].name,
            remedy="leave the option out",
        )
    for split in SPLITS:
        if split not in paths and (split != "validation" or validation_needed):
            names = ", ".join(f"{n}{ending}[.gz]" for n in SPLIT_NAMES[split])
            remedy = (
                "add the file or pass --validation-from-train 0.1" if split == "validation" else "add the missing file"
            )
            came = ", ".join(p.name for p in paths.values())
            raise DataError(f"{split} split in {folder}", expected=f"one of {names}", got=f"only {came}", remedy=remedy)


def find_parts(folder: Path, ending: str) -> dict[Split, list[Path]]:
    """The files of each split that has numbered parts, as on the model hub: `train-00000-of-00002.parquet`.

    Raises:
        DataError: A part is missing, or two files could be meant.
    """
    parts_of_splits: dict[Split, list[Path]] = {}
    for split, names in SPLIT_NAMES.items():
        name = rf"(?:{'|'.join(names)})-([0-9]{{5}})-of-([0-9]{{5}})(?:-[0-9a-f]+)?"
        form = re.compile(rf"{name}{re.escape(ending)}(?:\.gz)?")
        parts = sorted((m[2], m[1], p) for p in folder.iterdir() if (m := form.fullmatch(p.name)) and p.is_file())
        if not parts:
            continue
        wanted = [f"{i:05}" for i in range(int(parts[0][0]))]
        if [number for _, number, _ in parts] != wanted:
            raise DataError(
                f"{split} split in {folder}",
                expected=f"its {len(wanted)} parts, each once",
                got=", ".join(p.name for _, _, p in parts[:5]),
                remedy="copy all parts of one data set there, and no other",
            )
        parts_of_splits[split] = [p for _, _, p in parts]
    return parts_of_splits


def whole_name(path: Path) -> Path:
    """A file's path without the number of its part: all parts of a split have the same."""
    return path.with_name(_PART.sub(r"-*\1", path.name))


def ignored_files(folder: Path, used: Sequence[Path]) -> dict[str, int]:
    """A note on files that look like a split and are none, so that their owner learns that they were not read.

    Args:
        folder: Of the data.
        used: Files that were read, by their `whole_name`; where splits are folders, these.
    """

    def looks(path: Path) -> tuple[str, bool]:
        folder_like = path.is_dir()
        return "" if folder_like else Path(path.name.lower().removesuffix(".gz")).suffix, folder_like

    if folder.is_file():
        return {}
    known = {looks(p) for p in used}
    others = sorted(
        printable(p.name)
        for p in folder.iterdir()
        if whole_name(p) not in used and looks(p) in known and not p.name.startswith(".")
    )
    return {f"files ignored, as no split is called so: {', '.join(others)}": len(others)} if others else {}


def read_text(path: Path, limits: Limits = LIMITS, *, row: RowKind | None = None, blank: bool = False) -> TextFile:
    """Read and decode a file, line ends untouched, without a byte order mark.

    Args:
        path: Plain or `.gz`.
        limits: On its size; what is too large is refused while it is unpacked.
        row: What a row is, where rows are bounded too.
        blank: Let a file without any text pass.

    Raises:
        DataError: Unreadable, empty, above a limit, broken gzip, not UTF-8 (with the byte's place), or not fetched by
            Git LFS.
    """
    try:
        data, sha256 = _unpacked(path, Meter(limits, f"{path}", row))
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
    return TextFile(path, text, sha256, limits)


def _unpacked(path: Path, meter: Meter) -> tuple[bytearray, str]:
    """The bytes of a file, unpacked, without a byte order mark; and the sha256 of those on disk."""
    data = bytearray()
    check_ordinary(path)
    with path.open("rb") as f:
        _check_fetched(path, f.read(len(_POINTER)))
        f.seek(0)
        sha256 = hashlib.file_digest(f, "sha256").hexdigest()
        f.seek(0)
        stream = gzip.GzipFile(fileobj=f) if path.suffix == ".gz" else f
        while chunk := stream.read(_CHUNK):
            meter.feed(chunk)
            data += chunk
    if data.startswith(codecs.BOM_UTF8):
        del data[: len(codecs.BOM_UTF8)]
    return data, sha256


def _check_fetched(path: Path, start: bytes) -> None:
    if start.startswith(_POINTER):
        came = "a pointer of Git LFS in its place"
        raise DataError(f"{path}", expected="the file's content", got=came, remedy="run git lfs pull in its repository")


def data_hash(path: Path) -> str:
    """sha256 of the bytes of a file of data.

    Raises:
        DataError: It cannot be read, or Git LFS has not fetched it.
    """
    try:
        check_ordinary(path)
        with path.open("rb") as f:
            _check_fetched(path, f.read(len(_POINTER)))
        return file_hash(path)
    except OSError as e:
        reason = e.strerror or str(e)
        raise DataError(f"{path}", expected="a readable file", got=reason, remedy="check path and rights") from e


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


def _is_file(place: Path) -> bool:
    try:
        return place.is_file()
    except OSError:  # a name that is too long; the next reader reports it
        return False


def group_of(value: object, own: str) -> str:
    """The group that a data set names: its text, and a whole number without a decimal point.

    A table with a gap in such a column writes its whole numbers as 3.0, one without a gap as 3.

    Args:
        value: As it is written in the file.
        own: The group where none is named: nothing, not a number, a blank text, an empty list or mapping, or how a
            table spells nothing.
    """
    if value is None or value != value or value in ([], {}):  # not equal to itself: not a number, whatever its type
        return own
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    name = str(value).strip()
    return name if name and name not in _NOTHING else own


def printable(name: str) -> str:
    r"""A file's name as text that can be written: bytes that are no UTF-8 as `\xff`."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def digest(text: str) -> str:
    """A short stable name for a text, used as the group of lines and functions."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
