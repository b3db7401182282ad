"""An exported network as ONNX, with 8-bit weights where these hold on validation too."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from neurosieve.compact.building import write_record
from neurosieve.compact.cascade import FIRST
from neurosieve.compact.compact_model import load_compact
from neurosieve.compact.compact_spec import CompactSpec, read_spec
from neurosieve.compact.onnx_building import write_onnx
from neurosieve.compact.quantised import quantise
from neurosieve.studies.export.first_holding import Asked, Built
from neurosieve.studies.export.proof import OpenedSplit

Change = Callable[[Path, CompactSpec], CompactSpec]


def as_onnx(tried: Iterator[Built], asked: Asked, rows: OpenedSplit, folder: Path, *, int8: bool) -> Built:
    """A built model as ONNX, in its folder; of a cascade both models. A table stays as it is.

    Args:
        tried: What holds, the smallest first, each in the folder once it is asked for. The first whose 8-bit weights
            hold is taken, as these save more than what is taken out of blocks; the first of all where none do.
        asked: Loss and rule that 8-bit weights have to keep.
        rows: Of validation.
        folder: Of the model.
        int8: Try them.

    Raises:
        ResourceError: A package of the extra `onnx` is missing.
        ModelError: A network that cannot be exported.
    """
    first: tuple[Built, dict[Path, bytes]] | None = None
    for built in tried:
        if built.model.spec.form == "table":
            return replace(built, notes=(*built.notes, "a table needs no ONNX: NumPy runs it"))
        change_networks(folder, write_onnx)
        plain = replace(built, model=load_compact(folder))
        if not int8:
            return plain
        files = {file: file.read_bytes() for file in folder.rglob("*") if file.is_file()}
        quantised = _quantised(plain, asked, rows, folder)
        if quantised.way.point.within:
            return quantised
        first = first or (_refused(plain, quantised.way.point.bound, asked), files)
    assert first is not None  # noqa: S101 - for the type checker: there is one at least
    for file in folder.rglob("*"):
        if file.is_file() and file not in first[1]:
            file.unlink()
    for file, content in first[1].items():
        file.write_bytes(content)
    return first[0]


def change_networks(folder: Path, change: Change) -> None:
    """Change the networks of a folder, the first of a cascade before the one whose record has its checksum."""
    first, spec = folder / FIRST, read_spec(folder)
    if first.exists() and (cheap := read_spec(first)).form != "table":
        write_record(first, change(first, cheap))
    write_record(folder, change(folder, spec))


def _quantised(built: Built, asked: Asked, rows: OpenedSplit, folder: Path) -> Built:
    """The model with 8-bit weights, and what they lose."""
    change_networks(folder, quantise)
    small = load_compact(folder)
    point = asked.measured(built.way, small, rows)
    frontier = tuple(point if old == built.way.point else old for old in built.frontier)
    return replace(built, way=replace(built.way, point=point), model=small, frontier=frontier)


def _refused(built: Built, bound: float | None, asked: Asked) -> Built:
    """The model without them, and why."""
    loss = "no bound" if bound is None else f"{bound:.4f}"
    note = f"weights stay float32: with 8 bits the loss on validation may be {loss}, more than {asked.delta:g}"
    return replace(built, notes=(*built.notes, note))
