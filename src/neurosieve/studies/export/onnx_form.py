"""An exported network as ONNX, with 8-bit weights where these hold on validation too."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from neurosieve.compact.building import write_record
from neurosieve.compact.cascade import FIRST
from neurosieve.compact.compact_model import load_compact
from neurosieve.compact.compact_spec import COMPACT, ONNX, CompactSpec, read_spec
from neurosieve.compact.onnx_building import write_onnx
from neurosieve.compact.quantised import quantise
from neurosieve.studies.export.first_holding import Asked, Built
from neurosieve.studies.export.proof import OpenedSplit

Change = Callable[[Path, CompactSpec], CompactSpec]


def as_onnx(built: Built, asked: Asked, rows: OpenedSplit, folder: Path, *, int8: bool) -> Built:
    """A built model as ONNX, in its folder; of a cascade both models. A table stays as it is.

    Args:
        built: What holds.
        asked: Loss and rule that 8-bit weights have to keep.
        rows: Of validation.
        folder: Of the model.
        int8: Try them.

    Raises:
        ResourceError: A package of the extra `onnx` is missing.
        ModelError: A network that cannot be exported.
    """
    if built.model.spec.form == "table":
        return replace(built, notes=(*built.notes, "a table needs no ONNX: NumPy runs it"))
    change_networks(folder, write_onnx)
    plain = replace(built, model=load_compact(folder))
    return _quantised(plain, asked, rows, folder) if int8 else plain


def change_networks(folder: Path, change: Change) -> None:
    """Change the networks of a folder, the first of a cascade before the one whose record has its checksum."""
    first, spec = folder / FIRST, read_spec(folder)
    if first.exists() and (cheap := read_spec(first)).form != "table":
        write_record(first, change(first, cheap))
    write_record(folder, change(folder, spec))


def _quantised(built: Built, asked: Asked, rows: OpenedSplit, folder: Path) -> Built:
    before = {file: file.read_bytes() for name in (ONNX, COMPACT) for file in folder.rglob(name)}
    change_networks(folder, quantise)
    small = load_compact(folder)
    point = asked.measured(built.way, small, rows)
    if point.within:
        frontier = tuple(point if old == built.way.point else old for old in built.frontier)
        return replace(built, way=replace(built.way, point=point), model=small, frontier=frontier)
    for file, content in before.items():
        file.write_bytes(content)
    loss = "no bound" if point.bound is None else f"{point.bound:.4f}"
    note = f"weights stay float32: with 8 bits the loss on validation may be {loss}, more than {asked.delta:g}"
    return replace(built, notes=(*built.notes, note))
