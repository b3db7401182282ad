"""What there is to see of any neuron, from its own column: tokens in code, values by label."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float, Int

from neurosieve.concepts.evidence.picking import densities_of, first_distinct
from neurosieve.errors import ConfigError, unknown_name
from neurosieve.results.code_reading import CodeReading
from neurosieve.results.column_evidence import ColumnEvidence, SeenToken
from neurosieve.results.concept_evidence import Context, Token
from neurosieve.results.neuron_set import NeuronSet
from neurosieve.studies.columns.built_files import BuiltFiles
from neurosieve.studies.columns.column_file import Column
from neurosieve.typing import NeuronId

TOP, TYPICAL, SAME = 10, 5, 2
QUANTILES = (0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99)
_CLASSES = 12  # of a property, with a distribution of their own


def evidence_of(
    built: BuiltFiles, neuron: NeuronId, label: str | None = None, first: str | None = None
) -> ColumnEvidence:
    """What there is to see of a neuron.

    Args:
        built: The explorer's files.
        neuron: Of the grid.
        label: `property=value` to draw the values by.
        first: The same, where none is asked for; else the value whose rows differ most from the others.

    Raises:
        ConfigError: A label that rows do not have.
    """
    column = built.columns.column(neuron)
    known = first if first and _has(built, first) else None
    look = _Look(built, column, label or known or _clearest(built, column.values))
    return ColumnEvidence(
        neuron=neuron,
        rows=len(column.values),
        mean=column.mean,
        sd=column.sd,
        dead=not column.alive,
        tokens=look.tokens(),
        label=look.label,
        densities=densities_of(column.values, look.positive, look.classes()),
        alike=column.alike if column.alive else (),
        alike_in=built.alike_in,
        note=built.rows.names.note,
    )


def labels_of(built: BuiltFiles) -> list[str]:
    """All `property=value` that rows have."""
    return [f"{name}={value}" for name, values in built.rows.names.properties.items() for value in values]


def _has(built: BuiltFiles, label: str) -> bool:
    name, _, value = label.partition("=")
    return value in built.rows.names.properties.get(name, ())


def _clearest(built: BuiltFiles, z: Float[np.ndarray, " rows"]) -> str | None:
    """The value whose mean is farthest from that of all rows, by its standard error."""
    best, label = -1.0, None
    for name, codes in built.rows.codes.items():
        here = codes >= 0
        values = built.rows.names.properties[name]
        counts = np.bincount(codes[here], minlength=len(values))
        sums = np.bincount(codes[here], z[here] - z.mean(), minlength=len(values))
        distance = np.abs(sums) / np.sqrt(np.maximum(counts, 1))
        if distance.max() > best:
            best, label = float(distance.max()), f"{name}={values[int(distance.argmax())]}"
    return label


class _Look:
    """A neuron's values with one label."""

    def __init__(self, built: BuiltFiles, column: Column, label: str | None) -> None:
        self.rows, self.z, self.label = built.rows, column.values, label
        self.name, _, self.value = (label or "").partition("=")
        if label and not _has(built, label):
            raise unknown_name("label", label, labels_of(built))
        self.values = built.rows.names.properties.get(self.name, ())

    @property
    def positive(self) -> Bool[np.ndarray, " rows"]:
        """Rows with the label."""
        if not self.label:
            return np.ones(len(self.z), dtype=bool)
        return np.asarray(self.rows.codes[self.name] == self.values.index(self.value))

    def classes(self) -> dict[str, Bool[np.ndarray, " rows"]]:
        """Rows of each other value of the property, the most frequent ones."""
        if not self.label:
            return {}
        codes = self.rows.codes[self.name]
        counts = np.bincount(codes[codes >= 0], minlength=len(self.values))
        some = [int(v) for v in np.argsort(-counts, kind="stable")[:_CLASSES] if self.values[int(v)] != self.value]
        return {f"{self.name}={self.values[v]}": codes == v for v in some}

    def tokens(self) -> dict[str, tuple[SeenToken, ...]]:
        """By how they are chosen."""
        rising = np.argsort(self.z, kind="stable")
        places = (rising[round(q * (len(rising) - 1))] for q in QUANTILES)
        picked = {
            "highest": self._distinct(np.argsort(-self.z, kind="stable"), TOP),
            "lowest": self._distinct(rising, TOP),
            "typical": self._distinct(self._near_median(), TYPICAL),
            "sampled": list(dict.fromkeys(map(int, places))),
        }
        contexts = self.rows.contexts([row for rows in picked.values() for row in rows])
        return {kind: tuple(self._token(row, contexts[row]) for row in rows) for kind, rows in picked.items()}

    def _distinct(self, order: Int[np.ndarray, " rows"], count: int) -> list[int]:
        """The first of each text alone, and of one word at most two."""
        return first_distinct(order, count, (self.rows.example, 1), (self.rows.word_number, SAME))

    def _near_median(self) -> Int[np.ndarray, " some"]:
        here = np.flatnonzero(self.positive)
        distance = np.abs(self.z[here] - np.median(self.z[here])).round(9) if len(here) else np.zeros(0)
        return here[np.argsort(distance, kind="stable")]

    def _token(self, row: int, context: Context) -> SeenToken:
        code = int(self.rows.codes[self.name][row]) if self.label else -1
        label = self.values[code] if code >= 0 else None
        token = Token(value=float(self.z[row]), label=label, token=context.token, context=context)
        return SeenToken(row=row, token=token)


def heat_of(built: BuiltFiles, neuron: NeuronId, row: int) -> tuple[Context, CodeReading]:
    """A neuron's values over all that is shown around a held-out row, in standard deviations from the train mean.

    Raises:
        ConfigError: No such row.
    """
    if not 0 <= row < len(built.rows):
        expected = f"a number from 0 to {len(built.rows) - 1}"
        raise ConfigError(f"held-out row {row}", expected=expected, got=str(row), remedy="follow a neuron's links")
    context, z = built.rows.contexts([row])[row], built.columns.column(neuron).values
    near: Sequence[tuple[int, int, int]] = built.rows.around(row) or [(row, context.start, context.end)]
    spans = tuple((start, end) for _, start, end in near)
    values = np.array([[z[i]] for i, _, _ in near], dtype=np.float32)
    return context, CodeReading(code=context.text, spans=spans, neurons=NeuronSet([neuron]), values=values)
