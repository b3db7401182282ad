"""An exported model measured again, and held against its card."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from neurosieve.compact.compact_model import load_compact
from neurosieve.errors import RunFolderError
from neurosieve.probes.metrics import row_scores
from neurosieve.results.export import ExportResult, Speeds
from neurosieve.studies.config import make_config
from neurosieve.studies.export.evidence_files import load_outputs, read_card, speeds_of
from neurosieve.studies.export.unit_texts import UnitTexts, unit_texts
from neurosieve.studies.inputs import StudyData, model_of, read_data
from neurosieve.typing import PathLike

SLOWEST = 0.7  # of the card's ratio
FARTHEST = 1e-4  # of the largest output


@dataclass(frozen=True)
class Verified:
    """What was measured again.

    Attributes:
        card: What the card has.
        score: On test rows, now.
        difference: The largest of outputs, as a share of the largest output.
        other_labels: Share of test rows with another label than then.
        speeds: Now.
    """

    card: ExportResult
    score: float
    difference: float
    other_labels: float
    speeds: Speeds

    @property
    def holds(self) -> Mapping[str, bool]:
        """What still holds, by name; the speed where the card knows that of the whole model."""
        now, then = self.speeds.times_faster, self.card.speeds.times_faster
        speed = {} if now is None or then is None else {"speed": now >= SLOWEST * then}
        return {
            "score": abs(self.score - self.card.test.value) < 1e-9,
            "outputs": self.difference <= FARTHEST,
            "labels": self.other_labels == 0,
            **speed,
        }


def verify(folder: PathLike) -> Verified:
    """Read the test rows again, and measure score, outputs and speeds.

    Args:
        folder: Of an exported model; the data and the model that it came from must lie where they did.

    Raises:
        RunFolderError: No export, or one of another format; data that were changed since.
    """
    card = read_card(folder)
    small = load_compact(folder)
    config = make_config(options=card.study)
    data = read_data(config)
    _check_data(data, card, folder)
    units, then = unit_texts(data, "test"), load_outputs(Path(folder))
    now = small.scores(units.texts)
    read = ~np.isnan(now).any(1)
    label, now = _labels(units, small.spec.target)[read], now[read]
    values = small.spec.target is not None
    ours, before = ((x[:, 0].astype(np.float64) if values else x.argmax(1)) for x in (now, then))
    same = now.shape == then.shape
    return Verified(
        card=card,
        score=float(row_scores(ours, label).mean()),
        difference=float(np.abs(now - then).max() / max(np.abs(then).max(), 1e-12)) if same else np.inf,
        other_labels=float((np.abs(ours - before) > FARTHEST if values else ours != before).mean()) if same else 1.0,
        speeds=speeds_of(Path(folder), model_of(config) if card.speeds.whole else None, small.spec, units),
    )


def _labels(units: UnitTexts, target: tuple[float, float] | None) -> np.ndarray:
    return units.label if target is None else (units.label - target[0]) / target[1]


def _check_data(data: StudyData, card: ExportResult, folder: PathLike) -> None:
    changed = [
        name for name in {**data.hashes, **card.data_hashes} if data.hashes.get(name) != card.data_hashes.get(name)
    ]
    if changed:
        raise RunFolderError(
            f"data of {folder}",
            expected="the files that it was exported with",
            got=f"{changed[0]} changed",
            remedy="put the data back, or export the model again",
        )
