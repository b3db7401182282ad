"""What is made once a test run: by the process that needs it first, read by all others."""

import functools
import os
import pickle
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import ParamSpec, TypeVar, cast

from filelock import FileLock

P = ParamSpec("P")
T = TypeVar("T")
_NAME = "NEUROSIEVE_TEST_RUN"
# The first process makes the folder, and removes it when it ends; those that it starts find its name.
_OWN = None if _NAME in os.environ else tempfile.TemporaryDirectory(prefix="neurosieve-tests-")
HOME = Path(os.environ.setdefault(_NAME, _OWN.name if _OWN else ""))


def once(make: Callable[P, T]) -> Callable[P, T]:
    """Make a value once a test run for each choice of arguments; it must be left as it is, and be picklable.

    What it writes goes to `HOME`, under a name that no other function uses.
    """

    def made(*args: P.args, **options: P.kwargs) -> T:
        words = [make.__module__, make.__qualname__, *map(str, args), *(f"{k}={v}" for k, v in sorted(options.items()))]
        place = HOME / "-".join(words)
        with FileLock(f"{place}.lock"):
            if place.exists():
                return cast(T, pickle.loads(place.read_bytes()))
            value = make(*args, **options)
            place.write_bytes(pickle.dumps(value))
            return value

    return cast(Callable[P, T], functools.cache(functools.wraps(make)(made)))
