"""Functions of a folder of Python, or of the standard library, with their cyclomatic complexity: a study of values.

Run `python examples/complexity.py functions`, then `neurosieve run --model neurosieve/encoder --data functions
--task sequence-classification --label-column complexity --target values --rows 2500,1000,1000 --out runs/complexity`.
"""

import json
import sys
import sysconfig
from pathlib import Path

from neurosieve.concepts.properties import Source, complexity
from neurosieve.data.readers.source import deal_files
from neurosieve.syntax.functions import find_functions


def main(out: Path, folder: Path) -> None:
    """Whole files are dealt to the splits; functions of 4 to 40 lines are kept."""
    files = {str(path.relative_to(folder)): path for path in sorted(folder.rglob("*.py"))}
    files = {name: path for name, path in files.items() if not {"test", "tests", "site-packages"} & {*path.parts}}
    out.mkdir(parents=True, exist_ok=True)
    rows: dict[str, list[str]] = {"train": [], "validation": [], "test": []}
    for name, split in deal_files(files, seed=0).items():
        for function in find_functions(files[name].read_text(encoding="utf-8", errors="replace"), "python"):
            if 4 <= function.lines <= 40:
                value = complexity(Source(function.text, "python"))
                rows[split].append(json.dumps({"text": function.text, "complexity": value, "group": name}))
    for split, lines in rows.items():
        (out / f"{split}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2] if len(sys.argv) > 2 else sysconfig.get_paths()["stdlib"]))
