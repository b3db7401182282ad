"""Do readings survive when held-out files are written otherwise (as the CoCoA line asks, arXiv 2510.00476)?

Files of the test split are read as they are and rewritten, by the same model in the same way; a unit is compared with
itself. Units that a rewrite takes away (words of comments) are compared with nothing.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float, Int

from neurosieve.activations.extraction import ExtractionOptions, read_activations
from neurosieve.concepts.rows import ConceptRows, ConceptStore
from neurosieve.data.corpora.rewrites import Rewrite, rewrite_text, variable_names
from neurosieve.data.dataset import Rows
from neurosieve.data.sampling import Sample
from neurosieve.errors import DataError
from neurosieve.models import CodeModel
from neurosieve.probes.intervals import ClusterBootstrap, score_interval
from neurosieve.results.concept_stability import NeuronStability, Survival
from neurosieve.results.concepts import Concept, ConceptFindings, ConceptNeuron

TOKENS = 5000
HALF = 0.5
RENAMED = "renamed"


@dataclass(frozen=True)
class Reading:
    """Units of test files, read in one way of writing them.

    Attributes:
        rows: Numbers of their rows, rising, shape [units].
        values: Of all neurons, shape [units, neurons].
        changed: Units whose own text is another than in the original, shape [units].
    """

    rows: Int[np.ndarray, " units"]
    values: Float[np.ndarray, "units neurons"]
    changed: Bool[np.ndarray, " units"]


@dataclass(frozen=True)
class Rewritten:
    """Test files as they are, and written otherwise.

    Attributes:
        rows: All units of a concept study.
        base: The files as they are.
        readings: By rewrite.
        files: How many files each rewrite changed.
        left_out: How many it does not fit, with the first reason.
        draws: Resamples of files.
        seed: Of them.
    """

    rows: ConceptRows
    base: Reading
    readings: Mapping[str, Reading]
    files: Mapping[str, int]
    left_out: Mapping[str, str]
    draws: int
    seed: int

    @cached_property
    def _groups(self) -> np.ndarray:
        return np.array([e.group for e in self.rows.dataset.examples], dtype=object)

    def pairs(self, kind: str) -> tuple[Int[np.ndarray, " units"], Int[np.ndarray, " units"]]:
        """Places of the units that a rewrite keeps, in the base's reading and in its own."""
        _, before, after = np.intersect1d(self.base.rows, self.readings[kind].rows, return_indices=True)
        return before, after

    def survival(self, same: Bool[np.ndarray, " units"], rows: Int[np.ndarray, " units"]) -> Survival:
        """The share of some units whose reading is the same, with its interval by files."""
        if not len(same):
            return Survival(n=0, share=None, interval=None)
        bootstrap = ClusterBootstrap(self._groups[self.rows.table.example[rows]], draws=self.draws, seed=self.seed)
        return Survival(n=len(same), share=float(same.mean()), interval=score_interval(same, bootstrap))

    def survivals(
        self, reading: Mapping[str, Int[np.ndarray, " units"]], base: Int[np.ndarray, " units"], counted: np.ndarray
    ) -> tuple[dict[str, Survival], Survival]:
        """Of counted units by rewrite, and of those whose text was changed by `renamed`.

        Args:
            reading: What is read of each unit, by rewrite.
            base: The same in the files as they are.
            counted: Which of the base's units count.
        """
        found, renamed = dict[str, Survival](), Survival(n=0, share=None, interval=None)
        for kind, own in reading.items():
            before, after = self.pairs(kind)
            kept = counted[before]
            same, rows = (base[before] == own[after])[kept], self.base.rows[before][kept]
            found[kind] = self.survival(same, rows)
            if kind == RENAMED:
                changed = self.readings[kind].changed[after][kept]
                renamed = self.survival(same[changed], rows[changed])
        return found, renamed


def follows_spelling(renamed: Survival) -> bool:
    """Most readings of units whose text changes go with it, by the upper bound."""
    return renamed.interval is not None and renamed.interval[1] < HALF


def read_rewritten(
    model: CodeModel,
    rows: ConceptRows,
    kinds: Sequence[str],
    options: ExtractionOptions,
    *,
    tokens: int = TOKENS,
    draws: int = 2000,
    seed: int = 0,
) -> Rewritten:
    """Read test files as they are and in each rewrite.

    Args:
        model: As it read the rows.
        rows: Of the study.
        kinds: Of rewrites.
        options: As the view `detect` was read.
        tokens: About how many units; the last file is read as a whole.
        draws: Resamples of files.
        seed: Of them.

    Raises:
        ConfigError: No such rewrite.
        DataError: No test file can be rewritten.

    Cost: a pass over the tokens for each rewrite and one more.
    """
    chosen = _files(rows, tokens)
    names = {
        language: list(variable_names([rows.dataset.examples[i].text for i in _others(rows, language)], language))
        for language in {rows.languages[i] for i in chosen}
    }
    base = _read(model, rows, {i: Rewrite.of(rows.dataset.examples[i].text) for i in chosen}, options)
    readings, files, left_out = dict[str, Reading](), dict[str, int](), dict[str, str]()
    for kind in kinds:
        made, reasons = dict[int, Rewrite](), list[str]()
        for i in chosen:
            example = rows.dataset.examples[i]
            try:
                own = names[rows.languages[i]]
                made[i] = rewrite_text(example.text, rows.languages[i], kind, names=own, subject=example.id)
            except DataError as e:
                reasons.append(str(e))
        if reasons:
            left_out[kind] = f"{len(reasons)} of {len(chosen)} files: {reasons[0]}"
        files[kind] = sum(rewrite.text != rows.dataset.examples[i].text for i, rewrite in made.items())
        if made:
            readings[kind] = _read(model, rows, made, options)
    if not readings:
        raise DataError(
            "rewrites of test files",
            expected="a file that parses",
            got=next(iter(left_out.values()), "none"),
            remedy="give code that parses, or leave --rewrites out",
        )
    return Rewritten(rows, base, readings, files, left_out, draws, seed)


def _files(rows: ConceptRows, tokens: int) -> list[int]:
    """Test files in their order until they have the units."""
    counts, chosen, reached = np.bincount(rows.table.example, minlength=len(rows.dataset.examples)), list[int](), 0
    for i, example in enumerate(rows.dataset.examples):
        if example.split == "test" and counts[i] and reached < tokens:
            chosen.append(i)
            reached += int(counts[i])
    return chosen


def _others(rows: ConceptRows, language: str) -> Iterator[int]:
    """Train files of a language, which names of variables are taken from."""
    pairs = zip(rows.dataset.examples, rows.languages, strict=True)
    return (i for i, (example, own) in enumerate(pairs) if example.split == "train" and own == language)


def _read(model: CodeModel, rows: ConceptRows, made: Mapping[int, Rewrite], options: ExtractionOptions) -> Reading:
    """The units that are left in rewritten files."""
    table, examples = rows.table, list(rows.dataset.examples)
    kept, units, changed = list[int](), list[tuple[int, int, int, int]](), list[bool]()
    for row in np.flatnonzero(np.isin(table.example, list(made))).tolist():
        example, start, end = int(table.example[row]), int(table.start[row]), int(table.end[row])
        if (span := made[example].span(start, end)) is not None:
            changed.append(made[example].text[slice(*span)] != examples[example].text[start:end])
            units.append((example, *span, len(kept)))
            kept.append(row)
    for example, rewrite in made.items():
        examples[example] = replace(examples[example], text=rewrite.text)
    # Each unit is a class of its own, so that its number comes back with its values.
    sample = Sample(Rows.from_units(tuple(map(str, kept)), units), 0, {})
    read = read_activations(model, replace(rows.dataset, examples=tuple(examples)), sample, "test", options)
    order = np.argsort(read.label, kind="stable")
    number = read.label[order]
    return Reading(np.array(kept)[number], read.values.numpy()[order], np.array(changed, dtype=bool)[number])


def neuron_stability(store: ConceptStore, findings: ConceptFindings, rewritten: Rewritten) -> list[NeuronStability]:
    """Each claimed neuron of a view under rewrites. Cost: one pass over train."""
    claimed = [(c, n) for c in findings.concepts for n in c.claimed]
    if not claimed:
        return []
    columns = store.columns("train", [n.neuron for _, n in claimed]).float().numpy()
    return [_stability(store, rewritten, *pair, columns[:, i]) for i, pair in enumerate(claimed)]


def _stability(
    store: ConceptStore, rewritten: Rewritten, concept: Concept, own: ConceptNeuron, train: Float[np.ndarray, " rows"]
) -> NeuronStability:
    value = store.table.values[concept.property_name].index(concept.value)
    sign = -1 if own.low else 1
    threshold = best_threshold(sign * train, store.codes(concept.property_name, "train") == value)
    column = store.grid.column(own.neuron)

    def fires(reading: Reading) -> Int[np.ndarray, " units"]:
        return (sign * reading.values[:, column] >= threshold).astype(np.int64)

    base = fires(rewritten.base)
    has = store.table.codes[concept.property_name][rewritten.base.rows] == value
    by_rewrite = {kind: fires(reading) for kind, reading in rewritten.readings.items()}
    found, renamed = rewritten.survivals(by_rewrite, base, has & (base == 1))
    return NeuronStability(
        value=concept.name,
        neuron=own.neuron,
        low=own.low,
        threshold=sign * threshold,
        rewrites=found,
        renamed=renamed,
        follows_spelling=follows_spelling(renamed),
    )


def best_threshold(values: Float[np.ndarray, " rows"], positive: Bool[np.ndarray, " rows"]) -> float:
    """The value from which on rows overlap best with those that have the value: intersection over union."""
    order = np.argsort(-values, kind="stable")
    hits, beyond = np.cumsum(positive[order]), np.arange(1, len(order) + 1)
    overlap = hits / (beyond + positive.sum() - hits)
    last = np.append(values[order][1:] != values[order][:-1], True)  # equal values stay together
    return float(values[order][np.where(last, overlap, -1).argmax()])
