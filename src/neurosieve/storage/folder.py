"""A folder here or behind an fsspec URL, whose files are read and written whole.

A local path is taken as it is written: only what begins with the name of a file system and `://` is a URL.
"""

import re
import secrets
from pathlib import Path
from typing import Any

import fsspec
from fsspec.implementations.local import LocalFileSystem

from neurosieve.errors import ResourceError, StoreError
from neurosieve.typing import PathLike

_URL = re.compile(r"([a-zA-Z][\w+.-]*)(::|://)")
_LOST = re.compile(r"(?:[\w+.-]+::)*([a-zA-Z][\w+.-]*):/")  # a URL whose two slashes a path has made one
_PATTERN = re.compile(r"[*?[\]]")
GO_ON = "free some space or choose another --out; the same command then continues from here"


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

    def _path(self, name: str) -> str:
        return f"{self.root}/{name}"

    def exists(self, name: str) -> bool:
        """Is there such a file?"""
        return bool(self.fs.exists(self._path(name)))

    def write(self, name: str, data: bytes) -> None:
        """Write a file under a temporary name, then rename it; the name may lead to a folder below.

        Raises:
            ResourceError: Full disk, or no right to write.
        """
        place, _, last = self._path(name).rpartition("/")
        temporary = f"{place}/.{last}.part"
        try:
            self.fs.makedirs(place, exist_ok=True)
            with self.fs.open(temporary, "wb") as f:
                f.write(data)
            if self.local(name):
                Path(temporary).replace(self._path(name))
            else:
                self.fs.mv(temporary, self._path(name))
        except OSError as e:
            raise self._unwritable(name, data, e) from e

    def create(self, name: str, data: bytes) -> bool:
        """Write a file of a local folder unless there is one, also if others try at the same time; was it written?

        Raises:
            ResourceError: Full disk, or no right to write.
        """
        temporary = self._path(f".{name}.{secrets.token_hex(4)}.part")
        try:
            self.fs.makedirs(self.root, exist_ok=True)
            try:
                Path(temporary).write_bytes(data)
                _claim(Path(self._path(name)), Path(temporary))
            except FileExistsError:
                return False
            finally:
                Path(temporary).unlink(missing_ok=True)
        except OSError as e:
            raise self._unwritable(name, data, e) from e
        return True

    def _unwritable(self, name: str, data: bytes, e: OSError) -> ResourceError:
        return ResourceError(
            f"{self.url}/{name}",
            expected=f"room for {len(data):,} bytes and the right to write",
            got=e.strerror or str(e),
            remedy=GO_ON,
        )

    def read(self, name: str, remedy: str = "check the rights to read it, or whether it was deleted") -> bytes:
        """The bytes of a file; `remedy` ends the error's line.

        Raises:
            StoreError: Missing or unreadable.
        """
        try:
            data: bytes = self.fs.cat_file(self._path(name))
        except OSError as e:
            raise StoreError(
                f"{self.url}/{name}",
                expected="a readable file",
                got=e.strerror or "nothing there",
                remedy=remedy,
            ) from e
        return data

    def local(self, name: str) -> str | None:
        """The path on this machine, for memory mapping; None if the URL is remote."""
        return self._path(name) if isinstance(self.fs, LocalFileSystem) else None


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
        fs, root = fsspec.core.url_to_fs(url)
    except (ValueError, ImportError) as e:
        raise ResourceError(
            f"store {url}",
            expected="a folder, or a URL of an installed fsspec filesystem",
            got=str(e).splitlines()[0],
            remedy="install the filesystem's package or use a local folder",
        ) from e
    if not isinstance(fs, LocalFileSystem) and _PATTERN.search(root):
        raise _unfit(url, "a name with *, ? or brackets, which file systems read as a pattern", "name it otherwise")
    return fs, root
