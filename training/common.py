"""What every step shares: whole-or-nothing files, one line per error, free disk."""

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from neurosieve.errors import DataError, NeurosieveError, ResourceError

LANGUAGES = ("python", "java", "c")


def write_whole(path: Path, write: Callable[[Path], object]) -> None:
    """Let `write` fill a temporary file next to `path`, then put it in place in one move."""
    part = path.with_name(path.name + ".part")
    write(part)
    part.replace(path)


def write_json(path: Path, value: Any, indent: int | None = 1) -> None:
    """Write a JSON file whole or not at all."""
    text = json.dumps(value, indent=indent, ensure_ascii=False) + "\n"
    write_whole(path, lambda part: part.write_text(text, encoding="utf-8"))


def read_json(path: Path, remedy: str) -> Any:
    """Read a JSON file.

    Raises:
        DataError: It is missing or damaged.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(str(path), expected="a JSON file", got=type(error).__name__, remedy=remedy) from error


def check_disk(folder: Path, need: int) -> None:
    """Make the folder and see that `need` bytes are free there.

    Raises:
        ResourceError: The folder cannot be written, or too little is free.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(folder).free
    except OSError as error:
        raise ResourceError(
            str(folder), expected="a writable folder", got=type(error).__name__, remedy="choose another folder"
        ) from error
    if free < need:
        raise ResourceError(
            str(folder),
            expected=f"{need / 1e9:.1f} GB of free disk",
            got=f"{free / 1e9:.1f} GB",
            remedy="free some or choose another folder",
        )


def exit_code(main: Callable[[], int]) -> int:
    """Run a step; an error a user can mend becomes one line and exit code 1."""
    try:
        return main()
    except NeurosieveError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
