"""Small inputs that once gave a wrong result, a traceback or an unhelpful line, run as a user would run them.

    python -m tests.cases FOLDER [NAME …]

Each folder in FOLDER has a script `cmd` and the inputs that it names; its output has to hold what stands here, and no
traceback. The scripts run in copies: nothing is written next to the inputs.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple


class Case(NamedTuple):
    """What the output of a script has to hold, and what it may not.

    Attributes:
        says: Regular expressions that each have to be found, white space folded.
        never: Regular expressions that may not be found.
        refused: What is refused rightly leaves nothing for the script's own lines of Python, which then end in a
            traceback of theirs.
    """

    says: tuple[str, ...]
    never: tuple[str, ...] = ()
    refused: bool = False


CASES = {
    "C01-hf-saved-set-with-cache": Case((r"oracle, \d+ neurons 9\d\.\d %",), (r"50\.0 %, at least", r"at chance")),
    "C02-one-cluster-intervals": Case((r"one cluster", r"not measured"), (r"(points|%) \[(-?\d+\.\d), \2\]",)),
    "C03-missing-group-is-one-group": Case((r"validation 24", r"test 24"), (r"dropped",)),
    "C04-finetune-from-random-weights": Case((r"weights", r"missing|shape"), (r"model in out-",)),
    "C05-bidirectional-read-as-decoder": Case((r"causal: kind decoder, moved by the unit itself: 0\.0000",), ()),
    "C06-moe-feed-forward-of-some-blocks": Case((r"expert",), ()),
    "C07-weights-that-are-not-used": Case((r"adapter", r"LoRA|lora", r"block"), refused=True),
    "C09-csv-backslash-quotes": Case((r"RFC 4180", r"line \d"), refused=True),
    "C10-pair-groups-in-two-splits": Case((r"dropped", r"also in train"), ()),
    "C12-record-separator-in-code": Case((r"token counts.*100\.0 %",), (r"54\.2 %",)),
    "C13-lone-surrogate": Case((r"half a surrogate pair",), ()),
    "C15-finetune-without-length-limit": Case((r"model in out-bloom", r"model in out-t5", r"model in out-xlnet"), ()),
    "C17-sizes-in-text-config": Case((r"3 layers × 16",), ()),
    "C18-funnel-states-of-other-length": Case((r"do not belong to tokens",), (r"self-check",)),
    "C19-positions-behind-pad": Case((r"store in out-ibert", r"store in out-esm"), ()),
    "C21-ignored-file-not-named": Case((r"train\.part2\.jsonl", r"train_part3\.jsonl"), ()),
    "C22-conll-2009-columns": Case((r"expected", r"column|CoNLL"), (r"store in out",), refused=True),
    "C24-imported-layer-0-is-no-embedding": Case((r"all tables in out",), (r"Layer 0 is the embedding",)),
    "C25-no-discordant-row-zero-width": Case(
        (r"points \[-?\d|No set smaller than all",), (r"0\.00 to 0\.00", r"\[0\.00, 0\.00\]")
    ),
    "C27-unclear-lines": Case((r"state\.json|Dataset", r"quote", r"git lfs pull", r"merge"), (r"header too large",)),
    "C29-marian-refused": Case((r"store in out",), ()),
}


def run(folder: Path, case: Case) -> list[str]:
    """What is wrong with the output of a folder's script; empty where all is right."""
    with TemporaryDirectory() as scratch:
        copy = Path(shutil.copytree(folder, Path(scratch) / folder.name, copy_function=shutil.copyfile))
        for path in (copy, *copy.rglob("*")):
            path.chmod(0o755 if path.is_dir() else 0o644)
        environment = dict(os.environ, COLUMNS="400")
        environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        done = subprocess.run(
            ["bash", "cmd"], cwd=copy, env=environment,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=900, check=False,
        )  # fmt: skip
    text = " ".join(done.stdout.decode("utf-8", "backslashreplace").split())
    wrong = [f"not said: {p}" for p in case.says if not re.search(p, text)]
    wrong += [
        f"said: {found[0]}"
        for p in (*case.never, *([] if case.refused else ["Traceback"]))
        if (found := re.search(p, text))
    ]
    return [*wrong, text] if wrong else []


def main(arguments: Sequence[str]) -> int:
    """Run the named cases, or all that are there; the exit code is the number of wrong ones."""
    place, *names = arguments
    failed = 0
    for name in names or CASES:
        wrong = run(Path(place) / name, CASES[name])
        print(f"{'WRONG' if wrong else 'right'}  {name}", *wrong, sep="\n    ")
        failed += bool(wrong)
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
