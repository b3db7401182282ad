"""An exported network as ONNX, with 8-bit weights where these hold on validation too."""

from dataclasses import replace
from pathlib import Path

from neurosieve.compact.building import write_record
from neurosieve.compact.compact_model import load_compact
from neurosieve.compact.compact_spec import ONNX
from neurosieve.compact.onnx_building import write_onnx
from neurosieve.compact.quantised import quantise
from neurosieve.studies.export.first_holding import Asked, Built
from neurosieve.studies.export.proof import OpenedSplit


def as_onnx(built: Built, asked: Asked, rows: OpenedSplit, folder: Path, *, int8: bool) -> Built:
    """A built model as ONNX, in its folder. A table stays as it is.

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
    spec = write_onnx(folder, built.model.spec)
    write_record(folder, spec)
    plain = replace(built, model=load_compact(folder))
    return _quantised(plain, asked, rows, folder) if int8 else plain


def _quantised(built: Built, asked: Asked, rows: OpenedSplit, folder: Path) -> Built:
    graph = (folder / ONNX).read_bytes()
    spec = quantise(folder, built.model.spec)
    write_record(folder, spec)
    small = load_compact(folder)
    point = asked.measured(built.way, small, rows)
    if point.within:
        frontier = tuple(point if old == built.way.point else old for old in built.frontier)
        return replace(built, way=replace(built.way, point=point), model=small, frontier=frontier)
    (folder / ONNX).write_bytes(graph)
    write_record(folder, built.model.spec)
    loss = "no bound" if point.bound is None else f"{point.bound:.4f}"
    note = f"weights stay float32: with 8 bits the loss on validation may be {loss}, more than {asked.delta:g}"
    return replace(built, notes=(*built.notes, note))
