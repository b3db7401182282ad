"""A folder here or behind an fsspec URL, whose files are read and written whole.

A local path is taken as it is written: only what begins with the name of a file system and `://` is a URL.
"""

import re
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import fsspec
from fsspec.implementations.local import LocalFileSystem

from neurosieve.errors import ResourceError, StoreError
from neurosieve.typing import PathLike

_URL = re.compile(r"([a-zA-Z][\w+.-]*)(::|://)")
_LOST = re.compile(r"(?:[\w+.-]+::)*([a-zA-Z][\w+.-]*):/")  # a URL whose two slashes a path has made one
_PATTERN = re.compile(r"[*?[\]]")
# There a write is whole by itself, and making a folder would make a bucket that someone named by mistake.
_OBJECT_STORES = {"s3", "s3a", "gs", "gcs", "abfs", "abfss", "az", "oci", "oss"}
PATIENCE, SLOWEST = 120.0, 2**16  # seconds for a write to a store, and bytes a second beyond them
T = TypeVar("T")
GO_ON = "free some space or choose another --out; the same command then continues from here"
_ANSWERS = "check its address, the credentials and the network; the same command then continues from here"


class Folder:
    """Whole-file reads and writes below one folder; a write shows itself only when it is complete.

    Args:
        url: A path, or the URL of a file system that fsspec knows.

    Raises:
        ResourceError: The URL's file system is not installed, is a chain of several, or its folder's name reads as a
            pattern; or a path that was made from a URL, whose slashes are lost.
    """

    def __init__(self, url: PathLike) -> None:
        self.url = str(url).rstrip("/") or "/"
        self.fs: Any
        if _names_url(url):
            self.fs, self.root = _remote(self.url)
        else:
            self.fs, self.root = LocalFileSystem(), str(Path(self.url).absolute())
        self.on_this_machine = isinstance(self.fs, LocalFileSystem)
        # A remote file system fails in its own client's errors; each `try` holds one call of it.
        self._errors: type[Exception] = OSError if self.on_this_machine else Exception
        self._remedy = GO_ON if self.on_this_machine else _ANSWERS
        kinds = self.fs.protocol
        self._is_object_store = not _OBJECT_STORES.isdisjoint([kinds] if isinstance(kinds, str) else kinds)

    @property
    def name(self) -> str:
        """The folder's own name."""
        return str(Path(self.root).resolve().name) if self.on_this_machine else self.root.rpartition("/")[2]

    def _path(self, name: str) -> str:
        return f"{self.root}/{name}" if name else self.root

    def exists(self, name: str) -> bool:
        """Is there such a file?

        Raises:
            StoreError: The file system does not answer; on this machine what cannot be seen is not there.
        """
        if self.on_this_machine:
            return bool(self.fs.exists(self._path(name)))
        return self._answer(name, lambda: bool(self.fs.info(self._path(name))), False)

    def names(self, place: str = "") -> list[str]:
        """What is in the folder, or in one below it, in order; without hidden files. Empty where there is no folder.

        Raises:
            StoreError: It cannot be read.
        """
        nothing: list[str] = []
        found = self._answer(place, lambda: self.fs.ls(self._path(place), detail=False), nothing)
        return sorted(n for p in found if not (n := str(p).rstrip("/").rpartition("/")[2]).startswith("."))

    def remove(self, place: str) -> None:
        """Delete a file or a folder with all that is in it; nothing happens where there is none.

        Raises:
            StoreError: It cannot be deleted.
        """
        self._answer(place, lambda: self.fs.rm(self._path(place), recursive=True), None)

    def _answer(self, name: str, ask: Callable[[], T], missing: T) -> T:
        try:
            return ask()
        except FileNotFoundError:
            return missing
        except self._errors as e:
            where = f"{self.url}/{name}".rstrip("/")
            raise StoreError(where, expected="a file system that answers", got=_reason(e), remedy=self._remedy) from e

    def write(self, name: str, data: bytes) -> None:
        """Write a file whole or not at all; the name may lead to a folder below.

        Raises:
            ResourceError: Full disk, no right to write, or a store that does not take it.
        """
        try:
            if self._is_object_store:  # an object is there when all of it is; a folder is a part of its name
                self._put(name, data)
            else:
                self._write_and_rename(name, data)
        except self._errors as e:
            raise self._unwritable(name, data, e) from e

    def _put(self, name: str, data: bytes, **options: Any) -> None:
        # A client waits without end for a server that lets it connect and then does not ask for the data.
        wait = {"timeout": PATIENCE + len(data) / SLOWEST} if self.fs.async_impl else {}
        self.fs.pipe_file(self._path(name), data, **options, **wait)

    def _write_and_rename(self, name: str, data: bytes) -> None:
        place, _, last = self._path(name).rpartition("/")
        temporary = f"{place}/.{last}.part"
        self.fs.makedirs(place, exist_ok=True)
        with self.fs.open(temporary, "wb") as f:
            f.write(data)
        if self.on_this_machine:
            Path(temporary).replace(self._path(name))
        else:
            self.fs.mv(temporary, self._path(name))

    def create(self, name: str, data: bytes) -> bool:
        """Write a file unless there is one, also if others try at the same time; was it written?

        Raises:
            ResourceError: Full disk, or no right to write.
        """
        try:
            if self.on_this_machine:
                self._create_here(name, data)
            else:
                self._put(name, data, mode="create")
        except FileExistsError:
            return False
        except self._errors as e:
            if self.exists(name):  # not every store says so in Python's own error
                return False
            raise self._unwritable(name, data, e) from e
        return True

    def _create_here(self, name: str, data: bytes) -> None:
        temporary = Path(self._path(f".{name}.{secrets.token_hex(4)}.part"))
        self.fs.makedirs(self.root, exist_ok=True)
        try:
            temporary.write_bytes(data)
            _claim(Path(self._path(name)), temporary)
        finally:
            temporary.unlink(missing_ok=True)

    def _unwritable(self, name: str, data: bytes, e: Exception) -> ResourceError:
        return ResourceError(
            f"{self.url}/{name}",
            expected=f"room for {len(data):,} bytes and the right to write",
            got=_reason(e),
            remedy=self._remedy,
        )

    def read(self, name: str, remedy: str = "check the rights to read it, or whether it was deleted") -> bytes:
        """The bytes of a file; `remedy` ends the error's line.

        Raises:
            StoreError: Missing or unreadable.
        """
        try:
            if path := self.local(name):
                check_ordinary(path)
            data: bytes = self.fs.cat_file(self._path(name))
        except FileNotFoundError as e:
            raise self._unreadable(name, "nothing there", remedy) from e
        except self._errors as e:
            raise self._unreadable(name, _reason(e), remedy) from e
        return data

    def _unreadable(self, name: str, got: str, remedy: str) -> StoreError:
        return StoreError(f"{self.url}/{name}", expected="a readable file", got=got, remedy=remedy)

    def local(self, name: str) -> str | None:
        """The path on this machine, for memory mapping; None if the URL is remote."""
        return self._path(name) if self.on_this_machine else None


def check_ordinary(path: PathLike) -> None:
    """Refuse what can be opened but may never end, or never begin: a pipe, a socket, a device; and a folder.

    Raises:
        OSError: It is one. A path where nothing is passes: opening it says so.
    """
    if Path(path).exists() and not Path(path).is_file():
        raise OSError("a folder, a pipe or a device")


def is_folder(place: PathLike) -> bool:
    """Is it a folder of this machine, or a URL that names no YAML file?"""
    return not str(place).endswith((".yaml", ".yml")) if _names_url(place) else Path(place).is_dir()


def split_place(place: PathLike) -> tuple[Folder, str]:
    """The folder of a file, and the file's name."""
    if isinstance(place, Path):
        return Folder(place.parent), place.name
    folder, _, name = place.rpartition("/")
    return Folder(folder or ("/" if place.startswith("/") else ".")), name


def _reason(e: Exception) -> str:
    """An error of a file system in one line."""
    said = (getattr(e, "strerror", None) or str(e)).strip().splitlines()
    return said[0][:200] if said else type(e).__name__


def _claim(path: Path, complete: Path) -> None:
    """Give a whole file its name; fails where the name is taken, which a rename would replace."""
    try:
        path.hardlink_to(complete)
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links: there a reader can meet the file half-written
        with path.open("xb") as f:
            f.write(complete.read_bytes())


def _names_url(url: PathLike) -> bool:
    """Does it begin with a file system's name? A chain, and a path that was a URL before, are refused."""
    text = str(url)
    if isinstance(url, Path):
        was = _LOST.match(text)
        if was and was[1] in fsspec.available_protocols():
            raise _unfit(text, "a URL", "name a folder of this machine by an ordinary path, not by a URL")
        return False
    start = _URL.match(text)
    if start is None or (start[2] == "::" and start[1] not in fsspec.available_protocols()):
        return False
    if "::" in text:
        raise _unfit(text, "a chain of file systems", f"name one URL, or ./{text} where that is a folder's name")
    return True


def _unfit(text: str, got: str, remedy: str) -> ResourceError:
    return ResourceError(
        f"folder {text}", expected="a local path, or one file system's URL for a store", got=got, remedy=remedy
    )


def _remote(url: str) -> tuple[Any, str]:
    try:
        fs, root = fsspec.core.url_to_fs(url, use_listings_cache=False)  # others write there too
    except (ValueError, ImportError) as e:
        extra = 'pip install "neurosieve[s3]"' if url.startswith("s3://") else "install the filesystem's package"
        raise ResourceError(
            f"store {url}",
            expected="a folder, or a URL of an installed fsspec filesystem",
            got=str(e).splitlines()[0],
            remedy=f"{extra} or use a local folder",
        ) from e
    if not isinstance(fs, LocalFileSystem) and _PATTERN.search(root):
        raise _unfit(url, "a name with *, ? or brackets, which file systems read as a pattern", "name it otherwise")
    return fs, root
