"""Reading activations in one process, in several, and on Ray clusters of one and of several nodes of one core each.

    python -m benchmarks.workers [--rows 100,65000] [--nodes 2] [--runs 1]

Made-up lines are read by a random BERT with one thread a worker. What starts (packages, model, actors) takes the same
time whatever the rows, so each engine reads two numbers of rows, and the difference is compared; the start is a figure
of its own. The larger number needs several shards for each worker. Nodes are those of a cluster on this machine, begun
before the clock. Without the package ray its figures are left out.
"""

import importlib.util
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.growth import lines, random_bert
from benchmarks.measure import Figure, Spent, Times, command, in_turn, numbers, parser, positive, report, timed

STORE = 80 * 2**20  # bytes of a node's object store, about the least that Ray allows


def spent(data: Path, model: Path, rows: int, engine: str) -> Spent:
    """Seconds of reading so many rows of each class on an engine; Ray's workers are not in processor seconds."""
    with tempfile.TemporaryDirectory() as folder:
        words = f"extract --data {data} --model {model} --rows {rows},50,50 {engine} --out {folder}/out"
        return timed(partial(command, *words.split()))


@contextmanager
def cluster(nodes: int) -> Iterator[str]:
    """The address of a Ray cluster of so many nodes of one core."""
    from ray.cluster_utils import Cluster

    made: Any = Cluster(
        initialize_head=True,
        head_node_args={"num_cpus": 1, "object_store_memory": STORE, "include_dashboard": False},
    )
    try:
        for _ in range(nodes - 1):
            made.add_node(num_cpus=1, object_store_memory=STORE)
        yield str(made.address)
    finally:
        made.shutdown()


def engines_of(nodes: int, stack: ExitStack) -> dict[str, str]:
    """What is compared, with its options; clusters live as long as the stack."""
    engines = {"one process": "", f"{nodes} processes": f"--workers {nodes}"}
    if importlib.util.find_spec("ray"):
        os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
        for count in (1, nodes):
            address = stack.enter_context(cluster(count))
            engines[f"Ray, nodes: {count}"] = f"--engine ray --ray-address {address} --workers {count}"
    return engines


def figures_of(times: Times, engines: list[str], sizes: list[int], nodes: int) -> list[Figure]:
    """Ratios of the seconds that the added rows take, and seconds of the start."""

    def wall(engine: str, rows: int) -> float:
        return times[f"{engine}, {rows} rows"]["wall"][1]

    added = {engine: wall(engine, sizes[1]) - wall(engine, sizes[0]) for engine in engines}
    start = {e: wall(e, sizes[0]) - added[e] * sizes[0] / (sizes[1] - sizes[0]) for e in engines}
    figures = [Figure(f"start of {engine}, seconds", round(start[engine], 2)) for engine in engines]
    one, many, *on_ray = engines
    figures.append(Figure(f"added rows: one process / {many}", round(added[one] / added[many], 3)))
    if on_ray:
        one_node, more_nodes = on_ray
        figures += [
            Figure("added rows: Ray, one node / one process", round(added[one_node] / added[one], 3), most=1.03),
            Figure(f"added rows: Ray, one node / {nodes}", round(added[one_node] / added[more_nodes], 3), least=1.8),
        ]
    return figures


def main() -> None:
    arguments = parser(__doc__, runs=1)
    arguments.add_argument("--rows", type=numbers, default=[100, 65_000], help="of each class (default 100,65000)")
    arguments.add_argument("--nodes", type=positive, default=2, help="and processes (default 2)")
    arguments.add_argument("--width", type=positive, default=256, help="of the model (default 256)")
    args = arguments.parse_args()
    if len(sizes := sorted(args.rows)) != 2 or sizes[0] == sizes[1]:
        arguments.error("--rows: expected two different numbers")
    if args.nodes == 1:
        arguments.error("--nodes: expected at least 2")
    os.environ["OMP_NUM_THREADS"] = "1"
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        data, model = Path(folder, "data"), random_bert(args.width, Path(folder, "model"))
        lines(10 * sizes[1]).save(data)  # a line of 20 tokens gives two rows of each class
        engines = engines_of(args.nodes, stack)
        cases: dict[str, Callable[[], Spent]] = {
            f"{name}, {rows} rows": partial(spent, data, model, rows, engine)
            for rows in sizes
            for name, engine in engines.items()
        }
        times = in_turn(cases, args.runs)
    report(args, figures_of(times, list(engines), sizes, args.nodes), seconds_by_engine=times)


if __name__ == "__main__":
    main()
