"""All parts of the soak, or some of them; a table of what was tried, what held and what was lost.

    python -m soak [--only kills,races] [--short | --full] [--out soak-results]

The parts are kills, races, disks, flips, inputs, alignments, readers and ray. What a part found is in a file of its
own, so that parts can run one after the other; the table shows all that are there. The exit code is 1 where something
was lost.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")  # children are copies of this process, which has no other threads then

# What computes is loaded before copies are made.
from tests.studies import finished_concepts, finished_quick

import neurosieve.cli.show
import neurosieve.compact.compact_model
import neurosieve.compact.text_lines  # noqa: F401
from soak.alignments import alignments
from soak.children import child
from soak.disks import disks
from soak.flips import flips
from soak.inputs import inputs
from soak.kills import kills
from soak.outcome import Amount, Outcome, table
from soak.races import races
from soak.ray_kills import ray_kills
from soak.readers import readers

PARTS: dict[str, Callable[..., list[Outcome]]] = {
    "kills": kills,
    "races": races,
    "disks": disks,
    "flips": flips,
    "inputs": inputs,
    "alignments": alignments,
    "readers": readers,
    "ray": ray_kills,
}


def main() -> int:
    """Run the parts that are asked for, and print the table of all that are there."""
    parser = argparse.ArgumentParser(
        prog="python -m soak", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--only", default=",".join(PARTS), help="parts, comma-separated")
    parser.add_argument(
        "--short", action="store_const", const=Amount.SHORT, dest="amount", help="few of each, in seconds"
    )
    parser.add_argument("--full", action="store_const", const=Amount.FULL, dest="amount", help="three times the usual")
    parser.add_argument("--out", type=Path, default=Path("soak-results"), help="folder for the outcomes")
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    for name in asked.only.split(","):
        _keep(asked.out / f"{name}.json", name, asked.amount if asked.amount is not None else Amount.USUAL)
    found = [
        Outcome(**o) for name in PARTS if (p := asked.out / f"{name}.json").exists() for o in json.loads(p.read_text())
    ]
    print(table(found))
    for outcome in found:
        for fault in outcome.lost:
            print(f"lost, {outcome.kind}: {fault}")
    return int(any(outcome.lost for outcome in found))


def _keep(place: Path, name: str, amount: Amount) -> None:
    began = time.monotonic()
    made = child(finished_concepts if amount else finished_quick, limit=600)
    if made.code:
        raise RuntimeError(f"what parts begin with: {made.text}")
    with tempfile.TemporaryDirectory(prefix=f"soak-{name}-") as home:
        outcomes = PARTS[name](Path(home), amount)
    for outcome in outcomes:
        outcome.seconds = (time.monotonic() - began) / len(outcomes)
    place.write_text(json.dumps([outcome.plain() for outcome in outcomes], indent=1))


if __name__ == "__main__":
    sys.exit(main())
