"""Whose neurons two runs are of, and the units that both hold."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from neurosieve.activations.unit_keys import same_units
from neurosieve.results.comparison_parts import Relation
from neurosieve.results.measured import NotMeasured, Reason
from neurosieve.storage.folder import Folder
from neurosieve.storage.records import read_object
from neurosieve.studies.compare.compared_run import ComparedRun, SplitRows

_LEAST = 100  # units in common
MOST = 1500


@dataclass(frozen=True, eq=False)
class SameUnits:
    """The units that two runs hold, in one order.

    Attributes:
        a: Places in the first run's rows.
        b: In the second's.
        group: Cluster of each.
        text: Of each.
    """

    a: Int[np.ndarray, " units"]
    b: Int[np.ndarray, " units"]
    group: np.ndarray
    text: np.ndarray

    @staticmethod
    def of(a: SplitRows, b: SplitRows) -> "SameUnits":
        """Of two runs' rows of a split."""
        place_a, place_b = (place[:MOST] for place in same_units(a.key, b.key))
        return SameUnits(place_a, place_b, a.group[place_a], a.text[place_a])

    def first(self, count: int) -> "SameUnits":
        """Only the first of them."""
        return SameUnits(self.a[:count], self.b[:count], self.group[:count], self.text[:count])

    def turned(self) -> "SameUnits":
        """With the second run first."""
        return SameUnits(self.b, self.a, self.group, self.text)

    def __len__(self) -> int:
        return len(self.a)


@dataclass(frozen=True, eq=False)
class Pair:
    """Two runs that are compared.

    Attributes:
        a: The first; of a fine-tuned model and its base the base.
        b: The second.
        relation: Whose neurons they are.
        train: Train units that both hold; or that they hold others.
        test: Test units likewise.
    """

    a: ComparedRun
    b: ComparedRun
    relation: Relation
    train: SameUnits | NotMeasured
    test: SameUnits | NotMeasured

    @staticmethod
    def of(a: ComparedRun, b: ComparedRun) -> "Pair":
        """With what is known of their models and data."""
        relation = relation_of(a, b)
        if relation is Relation.TUNED and not _is_tuned(b, a):
            a, b = b, a
        other = _other_units(a, b)
        if other is not None:
            return Pair(a, b, relation, other, other)
        train, test = SameUnits.of(a.train, b.train), SameUnits.of(a.test, b.test)
        if min(len(train), len(test)) < _LEAST:
            counts = f"{len(train)} of train and {len(test)} of test are in both {a.name} and {b.name}"
            other = NotMeasured.because(Reason.OTHER_UNITS, f"{counts}, fewer than {_LEAST}")
            return Pair(a, b, relation, other, other)
        return Pair(a, b, relation, train, test)

    def turned(self) -> "Pair":
        """With the second run first."""
        train, test = (part if isinstance(part, NotMeasured) else part.turned() for part in (self.train, self.test))
        return Pair(self.b, self.a, self.relation, train, test)


def one_shape(a: ComparedRun, b: ComparedRun) -> bool:
    """As many layers and neurons, at the same site."""
    left, right = a.store.manifest, b.store.manifest
    return (left.layers, left.width, left.site) == (right.layers, right.width, right.site)


def relation_of(a: ComparedRun, b: ComparedRun) -> Relation:
    """Whose neurons two runs are of, as far as is known."""
    if not one_shape(a, b):
        return Relation.OTHER
    if a.made_elsewhere or b.made_elsewhere:
        return Relation.SAME if a.options.same_model else Relation.OTHER
    if _model(a) == _model(b):
        return Relation.SAME
    return Relation.TUNED if _is_tuned(a, b) or _is_tuned(b, a) else Relation.OTHER


def _model(run: ComparedRun) -> tuple[str | None, ...]:
    return _place(str(run.config.model)), run.store.manifest.revision, run.config.stack


def _place(model: str) -> str:
    """A folder by its whole path; any other name as it is."""
    return str(Path(model).resolve()) if Path(model).exists() else model


def _is_tuned(run: ComparedRun, base: ComparedRun) -> bool:
    """Was the run's model fine-tuned from the base's: by this tool, or as the user says?"""
    if base.options.base is not None and Path(base.options.base).resolve() == base.folder.resolve():
        return True
    files = Folder(str(run.config.model))
    record = read_object(files, "finetune.json") if Path(str(run.config.model)).is_dir() else None
    begun = (record or {}).get("study")
    if not isinstance(begun, dict):
        return False
    return _place(str(begun.get("model"))) == _place(str(base.config.model))


def _other_units(a: ComparedRun, b: ComparedRun) -> NotMeasured | None:
    """Do they hold rows of other data? Those of activations that were made elsewhere are known by their texts alone."""
    if a.copies != b.copies:
        return NotMeasured.because(Reason.OTHER_UNITS, f"one of {a.name} and {b.name} is of pairs")
    same_data = dict(a.result.data_hashes) == dict(b.result.data_hashes)
    if same_data or a.made_elsewhere or b.made_elsewhere:
        return None
    names = sorted(
        name
        for name in a.result.data_hashes.keys() | b.result.data_hashes.keys()
        if a.result.data_hashes.get(name) != b.result.data_hashes.get(name)
    )
    return NotMeasured.because(Reason.OTHER_UNITS, f"{names[0]} of {a.name} and {b.name} differ")


def features(rows: SplitRows, places: Int[np.ndarray, " units"]) -> Float[Tensor, "features units"]:
    """Standardised features of some rows."""
    return rows.x.index_select(1, torch.from_numpy(places))
