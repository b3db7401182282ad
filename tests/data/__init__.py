"""Small data sets on disk, shared by the tests of reading."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "data"

LINES = {
    "train.in": "a = 1\nb = 2\n",
    "train.label": "ID OP NUM\nID OP NUM\n",
    "valid.in": "c = 3\n",
    "valid.label": "ID OP NUM\n",
    "test.in": "d = 4\n",
    "test.label": "ID OP NUM\n",
}
SOURCES = {"train/a.py": "a = 1\n", "valid/b.py": "b = 2\n", "test/c.py": "c = 3\n"}


def record(code: str, spans: Iterable[tuple[int, int, str]] = ((0, 1, "ID"),), **more: object) -> str:
    return json.dumps({"code": code, "spans": [list(s) for s in spans], **more}) + "\n"


RECORDS = {"train.jsonl": record("a = 1"), "valid.jsonl": record("b = 2"), "test.jsonl": record("c = 3")}


def without(files: Mapping[str, str | bytes], *names: str) -> dict[str, str | bytes]:
    return {name: content for name, content in files.items() if name not in names}


def put(folder: Path, files: Mapping[str, str | bytes]) -> Path:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


def write_stream(path: Path, table: pa.Table) -> None:
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)


def save_set(place: Path, *parts: list[dict[str, Any]] | pa.Table) -> None:
    """One split as `save_to_disk` of the library datasets lays it out."""
    place.mkdir(parents=True)
    names = [f"data-{i:05}-of-{len(parts):05}.arrow" for i in range(len(parts))]
    for name, part in zip(names, parts, strict=True):
        write_stream(place / name, part if isinstance(part, pa.Table) else pa.Table.from_pylist(part))
    (place / "state.json").write_text(json.dumps({"_data_files": [{"filename": name} for name in names]}))
