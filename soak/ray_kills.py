"""A Ray cluster of two nodes on this machine: workers, a node, the head and the command are killed while it works.

Commands are processes of their own, not copies: a copy of a process with a cluster has no threads to speak to it.
"""

import importlib.util
import os
import random
import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from soak.children import LIMIT, command
from soak.jobs import JOBS, Job
from soak.outcome import Amount, Outcome

_HEADLESS = "Failed to connect to GCS"  # Ray's last line where the head is gone; it then ends the process
_SOON = {"RAY_gcs_rpc_server_reconnect_timeout_s": "5"}  # until it does so; a minute by default
_STORE = 80 * 2**20  # bytes of a node's object store, about the least that Ray allows
Kill = Callable[["Nodes", "subprocess.Popen[str]"], None]


class Nodes:
    """A head and one more node, of one processor each."""

    def __init__(self) -> None:
        self._cluster: Any = None
        self._other: Any = None
        self.mend()

    @property
    def address(self) -> str:
        """Of the head."""
        return str(self._cluster.address)

    def mend(self) -> None:
        """Both nodes are there again."""
        from ray.cluster_utils import Cluster

        if self._cluster is None:
            size = {"num_cpus": 1, "object_store_memory": _STORE, "include_dashboard": False}
            self._cluster = Cluster(initialize_head=True, head_node_args=size)
        if self._other is None:
            self._other = self._cluster.add_node(num_cpus=1, object_store_memory=_STORE)

    def lose_one(self) -> None:
        """The node that is not the head is killed."""
        self._cluster.remove_node(self._other, allow_graceful=False)
        self._other = None

    def lose_head(self) -> None:
        """The head is killed, without which there is no cluster."""
        self._cluster.remove_node(self._cluster.head_node, allow_graceful=False)
        self.end()

    def workers(self) -> list[psutil.Process]:
        """Actors of both nodes."""
        raylets = [p.process.pid for n in self._cluster.list_all_nodes() for p in n.all_processes.get("raylet", ())]
        living = [psutil.Process(pid) for pid in raylets if psutil.pid_exists(pid)]
        return [child for raylet in living for child in raylet.children(recursive=True) if _is_actor(child)]

    def end(self) -> None:
        """All its processes end."""
        self._cluster.shutdown()
        self._cluster = self._other = None


def _is_actor(process: psutil.Process) -> bool:
    try:
        return process.is_running() and "ray::Actor" in " ".join(process.cmdline())
    except psutil.Error:
        return False


def ray_kills(home: Path, amount: Amount) -> list[Outcome]:
    """Some 4 kills of each kind; short: one of a worker. None where Ray is not installed, which is said."""
    if importlib.util.find_spec("ray") is None:
        print("ray: left out, as the package ray is not installed")
        return []
    rng, job = random.Random(20), JOBS[0]
    job.prepare(home / "whole")
    whole = command(job.arguments(home / "whole"))
    if whole.code:
        raise RuntimeError(f"{job.name} without any trouble: {whole.text}")
    wanted = job.outcome(home / "whole")
    kinds = _KINDS if amount else _KINDS[:1]
    with _cluster() as nodes:
        return [_tried(nodes, job, home, kind, kill, rng, amount.times(4, 1), wanted) for kind, kill in kinds]


@contextmanager
def _cluster() -> Iterator[Nodes]:
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        nodes = Nodes()
        try:
            yield nodes
        finally:
            nodes.end()


def _tried(
    nodes: Nodes,
    job: Job,
    home: Path,
    kind: str,
    kill: Kill,
    rng: random.Random,
    times: int,
    wanted: dict[str, object],
) -> Outcome:
    outcome = Outcome("ray", f"`{job.name}` on two nodes, {kind}: the same results as in one process")
    for number in range(times):
        folder = home / f"{kind.replace(' ', '-')}-{number}"
        job.prepare(folder)
        nodes.mend()
        outcome.add(f"{kind} {number}", _fault(nodes, job, folder, kill, rng, wanted))
    return outcome


def _fault(
    nodes: Nodes, job: Job, folder: Path, kill: Kill, rng: random.Random, wanted: dict[str, object]
) -> str | None:
    code, text = _command(nodes, job, folder, kill, rng.uniform(0, 5))
    if code == -signal.SIGKILL or _HEADLESS in text:  # the command itself was killed, or ended by Ray
        nodes.mend()
        code, text = _command(nodes, job, folder, None, 0)
    if code or "Traceback" in text:
        return f"code {code}: {text.strip()[-300:]}"
    found = job.outcome(folder)
    other = [name for name, value in wanted.items() if found[name] != value]
    return f"another outcome in {', '.join(other)}" if other else None


def _command(nodes: Nodes, job: Job, folder: Path, kill: Kill | None, after: float) -> tuple[int | None, str]:
    """Run it; the kill comes so many seconds after an actor is there. None as code: it hung."""
    engine = ["--engine", "ray", "--ray-address", nodes.address, "--workers", "2"]
    line = [sys.executable, "-W", "ignore", "-m", "neurosieve", *job.arguments(folder), *engine]
    errors = folder / "errors.txt"
    with errors.open("w", encoding="utf-8") as file:
        process = subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=file, text=True, env=os.environ | _SOON)
    began = time.monotonic()
    try:
        while kill and process.poll() is None and not nodes.workers() and time.monotonic() - began < LIMIT:
            time.sleep(0.1)
        if kill:
            time.sleep(after)
            kill(nodes, process)
        code = process.wait(max(1.0, 2 * LIMIT - (time.monotonic() - began)))
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        code = None
    return code, errors.read_text(encoding="utf-8")


def _kill_worker(nodes: Nodes, process: "subprocess.Popen[str]") -> None:
    del process
    for worker in nodes.workers()[:1]:
        worker.kill()


def _kill_node(nodes: Nodes, process: "subprocess.Popen[str]") -> None:
    del process
    nodes.lose_one()
    nodes.mend()


def _kill_node_for_good(nodes: Nodes, process: "subprocess.Popen[str]") -> None:
    del process
    nodes.lose_one()


def _kill_head(nodes: Nodes, process: "subprocess.Popen[str]") -> None:
    del process
    nodes.lose_head()


def _kill_command(nodes: Nodes, process: "subprocess.Popen[str]") -> None:
    del nodes
    process.kill()


_KINDS: tuple[tuple[str, Kill], ...] = (
    ("worker killed", _kill_worker),
    ("node killed, another comes", _kill_node),
    ("node lost for good", _kill_node_for_good),
    ("head killed", _kill_head),
    ("command killed", _kill_command),
)
