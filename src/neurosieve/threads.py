"""How many threads this process may use, and how they wait: said to the numeric libraries before they are loaded."""

import contextlib
import math
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

P = TypeVar("P")
R = TypeVar("R")

_QUOTA = Path("/sys/fs/cgroup/cpu.max")


def usable_processors(quota: Path = _QUOTA) -> int:
    """Processors that this process may use: those of its affinity, or as many as its container's quota pays for.

    Args:
        quota: Where Linux (cgroup v2) writes the quota: microseconds of work, or `max`, in a period of microseconds.
    """
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        work, period = quota.read_text().split()
    except (OSError, ValueError):
        return count
    return count if work == "max" else max(1, min(count, math.ceil(int(work) / int(period))))


def limit_threads(environment: MutableMapping[str, str] = os.environ) -> None:
    """Set what the user has not set: a thread for each usable processor, and waiting threads that sleep.

    By default a thread that waits for another one spins. A probe makes thousands of small products, and where another
    process holds a processor, most of the time goes into spinning.

    It works in processes where torch and NumPy are not loaded yet.
    """
    environment.setdefault("OMP_NUM_THREADS", str(usable_processors()))
    environment.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    environment.setdefault("KMP_BLOCKTIME", "0")  # the same for Intel's OpenMP


@contextlib.contextmanager
def torch_threads(count: int) -> Iterator[None]:
    """Within the context torch computes with so many threads."""
    import torch  # the command sets the rule above before this

    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def map_threads(work: Callable[[P], R], parts: Iterable[P]) -> Iterator[R]:
    """What `work` gives for each part, in the order of the parts; as many parts at once as torch has threads.

    Each part has one thread, so that none waits for another, and the results do not depend on how many there are.

    Args:
        work: Safe to run in several threads: parts share nothing that it changes.
        parts: At least as many as there are threads make full use of them.
    """
    import torch

    count = torch.get_num_threads()
    with torch_threads(1):  # new threads begin with what the process has
        if count == 1:
            yield from map(work, parts)
            return
        pool = ThreadPoolExecutor(count)
        try:
            futures = deque(pool.submit(work, part) for part in parts)
            while futures:
                yield futures.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)
