"""What is kept with an exported model to prove it: its outputs on test rows, its speeds, its card."""

import tempfile
from pathlib import Path

import numpy as np
from jaxtyping import Float

from neurosieve.compact.building import UnitKind, write_full, write_record
from neurosieve.compact.compact_spec import COMPACT, OUTPUTS, CompactSpec, read_record, read_tensors, write_tensors
from neurosieve.compact.linear_head import Head
from neurosieve.compact.measuring import compare_speeds
from neurosieve.errors import RunFolderError
from neurosieve.models import CodeModel
from neurosieve.report.export import card
from neurosieve.results.codec import from_json
from neurosieve.results.export import ExportResult, Speeds
from neurosieve.storage.folder import Folder
from neurosieve.studies.export.unit_texts import UnitTexts
from neurosieve.typing import PathLike

CARD = "README.md"
_FEW = 8  # texts of a brief measurement


def save_outputs(folder: Path, outputs: Float[np.ndarray, "rows outputs"]) -> None:
    """Write the model's outputs on test rows."""
    write_tensors(folder, OUTPUTS, {"test": outputs})


def load_outputs(folder: Path) -> Float[np.ndarray, "rows outputs"]:
    """Read them.

    Raises:
        StoreError: They are damaged.
    """

    def outputs(*, test: np.ndarray) -> np.ndarray:
        return test

    return read_tensors(folder, OUTPUTS, outputs)


def read_card(folder: PathLike) -> ExportResult:
    """What was measured of an exported model.

    Raises:
        RunFolderError: No export there, a damaged one, or modules, of which a run measures other things.
    """
    content = read_record(folder).get("result")
    if content is None or "parts" in content:
        raise RunFolderError(
            f"folder {folder}",
            expected="a model of `neurosieve export`",
            got="modules",
            remedy="give the --out of `neurosieve export` or `neurosieve fit`",
        )
    return from_json(ExportResult, content, f"{folder}/{COMPACT}: result")


def speeds_of(
    folder: Path, model: CodeModel | None, spec: CompactSpec, units: UnitTexts, *, brief: bool = False
) -> Speeds:
    """Of an exported model, compared with all blocks of the model it came from with the same head.

    Args:
        folder: Of the exported model.
        model: The whole one; None where it is not known.
        spec: Of the exported one.
        units: Texts to read.
        brief: Read the few shortest ones alone, and leave memory out.
    """
    texts = sorted(units.texts, key=lambda text: len("".join(text.text)))[:_FEW] if brief else units.texts
    if model is None:
        return compare_speeds(folder, None, texts, memory=not brief)
    with tempfile.TemporaryDirectory(prefix="neurosieve-whole-") as place:
        whole = Path(place)
        unit = UnitKind(**{key: getattr(spec, key) for key in UnitKind.__dataclass_fields__})
        blocks = model.adapter.blocks(model.network.config)
        write_record(whole, write_full(whole, model, spec.neurons, Head.of_probe(folder), unit, blocks=blocks))
        return compare_speeds(folder, whole, texts, memory=not brief)


def write_card(folder: Path, spec: CompactSpec, result: ExportResult) -> None:
    """Write the model card."""
    Folder(folder).write(CARD, card(result, spec).encode())
