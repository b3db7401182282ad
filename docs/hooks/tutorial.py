"""Execute the tutorial anew and keep its outputs: `.venv/bin/python docs/hooks/tutorial.py`, after `make docs`."""

import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

NOTEBOOK = Path(__file__).resolve().parents[1] / "tutorial.ipynb"
_KEPT = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}


def execute(notebook: Any, seconds: int = 600) -> Any:
    """Run all cells in an empty folder; an error in a cell is raised."""
    environment = os.environ | {"PYTHONWARNINGS": "ignore"}
    with tempfile.TemporaryDirectory() as folder:
        client = NotebookClient(notebook, timeout=seconds, resources={"metadata": {"path": folder}})
        client.execute(env=environment)
    return notebook


def tidied(notebook: Any) -> Any:
    """Without times and names of this machine; an output that is a table keeps no second copy as plain text."""
    notebook.metadata = nbformat.from_dict(_KEPT)
    for cell in notebook.cells:
        cell.metadata = nbformat.from_dict({})
        for output in cell.get("outputs", ()):
            if "text/html" in output.get("data", ()):
                output.data.pop("text/plain", None)
    return notebook


def main() -> None:
    """Execute, tidy, write back."""
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    nbformat.write(tidied(execute(notebook)), NOTEBOOK)
    print(f"{NOTEBOOK.name}: {NOTEBOOK.stat().st_size / 1024:.0f} KiB", file=sys.stderr)


if __name__ == "__main__":
    main()
