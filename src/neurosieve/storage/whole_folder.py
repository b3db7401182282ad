"""A folder that shows itself only when all of it is written."""

import contextlib
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

from safetensors import SafetensorError

from neurosieve.errors import ResourceError, RunFolderError
from neurosieve.typing import PathLike


@contextlib.contextmanager
def whole_folder(target: PathLike) -> Iterator[Path]:
    """Write into a folder next to the target, which gets the target's name at the end; if it is stopped, nothing stays.

    Args:
        target: A folder that is not there yet, or empty.

    Raises:
        RunFolderError: There is something in it.
        ResourceError: It cannot be written.
    """
    place = Path(target)
    check_free(place)
    hidden = place.parent / f".{place.name}.{secrets.token_hex(4)}.part"
    try:
        hidden.mkdir(parents=True)
        yield hidden
        check_free(place)
        hidden.replace(place)
    except (OSError, SafetensorError) as e:
        if isinstance(e, SafetensorError) and "I/O error" not in str(e):
            raise
        raise ResourceError(
            f"folder {place}",
            expected="room and the right to write",
            got=getattr(e, "strerror", None) or str(e),
            remedy="free some space or choose another --out",
        ) from e
    finally:
        shutil.rmtree(hidden, ignore_errors=True)


def check_free(place: Path) -> None:
    """Check that nothing is there.

    Raises:
        RunFolderError: Something does.
    """
    if place.is_dir() and (first := next(iter(sorted(place.iterdir())), None)):
        got = f"{first.name} in it"
    elif place.exists() and not place.is_dir():
        got = "a file"
    else:
        return
    raise RunFolderError(f"folder {place}", expected="a new or empty folder", got=got, remedy="choose another --out")
