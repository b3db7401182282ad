"""Ways to spoil a file, from an empty one to a pipe that never ends."""

import os
import random
from collections.abc import Callable
from pathlib import Path

from tests.tiny import CODE

Damage = Callable[[Path], None]


def _bytes(make: Callable[[bytes], bytes]) -> Damage:
    def spoil(path: Path) -> None:
        path.write_bytes(make(path.read_bytes()))

    return spoil


def _link(to: str) -> Damage:
    def spoil(path: Path) -> None:
        path.unlink()
        path.symlink_to(path.name if to == "itself" else to)

    return spoil


def _pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def _folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _inserted(what: bytes) -> Damage:
    return _bytes(lambda data: data[: len(data) // 2] + what + data[len(data) // 2 :])


# No reader can take one of these for a whole file.
HOPELESS: dict[str, Damage] = {
    "empty": _bytes(lambda _: b""),
    "noise": _bytes(lambda data: random.Random(len(data)).randbytes(1000)),
    "pipe": _pipe,
    "folder in its place": _folder,
    "device": _link("/dev/zero"),
    "link to nothing": _link("nowhere"),
    "link to itself": _link("itself"),
}
# These can leave a file that is whole, only another one.
DOUBTFUL: dict[str, Damage] = {
    "cut": _bytes(lambda data: data[: len(data) // 2]),
    "NUL bytes": _inserted(b"\0\0\0"),
    "not UTF-8": _inserted(b"\xe9\xff"),
    "terminal escapes": _inserted("\x1b[31m\x07\u202e".encode()),
    "nested deep": _bytes(lambda _: b"[" * 200_000),
    "one endless line": _bytes(lambda data: data.replace(b"\n", b" ") * 40),
    "other text": _bytes(lambda _: "\n".join(CODE).encode()),
}
ALL = HOPELESS | DOUBTFUL
