"""Held-out files read as they are and written otherwise (as the CoCoA line asks, arXiv 2510.00476).

The same model reads both in the same way; a unit is compared with itself. Units that a rewrite takes away (words of
comments) are compared with nothing.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float, Int

from neurosieve.activations.extraction import ExtractionOptions, read_activations
from neurosieve.concepts.rows import ConceptRows
from neurosieve.data.corpora.rewrites import Rewrite, rewrite_text, variable_names
from neurosieve.data.dataset import Rows
from neurosieve.data.sampling import Sample
from neurosieve.errors import DataError
from neurosieve.models import CodeModel
from neurosieve.probes.intervals import ClusterBootstrap, score_interval
from neurosieve.results.concept_stability import RENAMED, Survival

TOKENS = 5000
_HALF = 0.5


@dataclass(frozen=True)
class RewrittenFiles:
    """Test files written otherwise; nothing is read yet.

    Attributes:
        rows: All units of a concept study.
        chosen: Numbers of the examples.
        made: Rewrites of those that can be rewritten, by kind and example.
        left_out: How many a kind does not fit, with the first reason.
    """

    rows: ConceptRows
    chosen: tuple[int, ...]
    made: Mapping[str, Mapping[int, Rewrite]]
    left_out: Mapping[str, str]

    @property
    def changed(self) -> dict[str, int]:
        """How many files each kind changed."""
        texts = [e.text for e in self.rows.dataset.examples]
        return {kind: sum(new.text != texts[i] for i, new in own.items()) for kind, own in self.made.items()}


def rewrite_files(rows: ConceptRows, kinds: Sequence[str], *, tokens: int = TOKENS) -> RewrittenFiles:
    """Write test files otherwise, in each way.

    Args:
        rows: Of the study.
        kinds: Of rewrites.
        tokens: About how many units; the last file is taken as a whole.

    Raises:
        ConfigError: No such rewrite.
        DataError: No test file can be rewritten.
    """
    chosen, names = _chosen(rows, tokens), dict[str, list[str]]()
    if RENAMED in kinds:
        for language in {rows.languages[i] for i in chosen}:
            names[language] = list(variable_names(list(_train_texts(rows, language)), language))
    made, left_out = dict[str, dict[int, Rewrite]](), dict[str, str]()
    for kind in kinds:
        made[kind], reasons = {}, list[str]()
        for i in chosen:
            example, language = rows.dataset.examples[i], rows.languages[i]
            own = names.get(language, ())
            try:
                made[kind][i] = rewrite_text(example.text, language, kind, names=own, subject=example.id)
            except DataError as e:
                reasons.append(str(e))
        if reasons:
            left_out[kind] = f"{len(reasons)} of {len(chosen)} files: {reasons[0]}"
    if not any(made.values()):
        expected, remedy = "test files that parse", "give whole files, or leave --rewrites out"
        raise DataError("rewrites", expected=expected, got=next(iter(left_out.values()), "none"), remedy=remedy)
    return RewrittenFiles(rows, chosen, made, left_out)


def _chosen(rows: ConceptRows, tokens: int) -> tuple[int, ...]:
    """Test files in their order until they have the units."""
    counts, chosen, reached = np.bincount(rows.table.example, minlength=len(rows.dataset.examples)), list[int](), 0
    for i, example in enumerate(rows.dataset.examples):
        if example.split == "test" and counts[i] and reached < tokens:
            chosen.append(i)
            reached += int(counts[i])
    return tuple(chosen)


def _train_texts(rows: ConceptRows, language: str) -> Iterator[str]:
    """Of a language: names of their variables are new ones elsewhere."""
    pairs = zip(rows.dataset.examples, rows.languages, strict=True)
    return (example.text for example, own in pairs if example.split == "train" and own == language)


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
    """Readings of test files as they are, and written otherwise.

    Attributes:
        files: The files.
        base: They as they are.
        readings: By rewrite; without those that fit no file.
        draws: Resamples of files.
        seed: Of them.
    """

    files: RewrittenFiles
    base: Reading
    readings: Mapping[str, Reading]
    draws: int
    seed: int

    @cached_property
    def _groups(self) -> np.ndarray:
        return np.array([e.group for e in self.files.rows.dataset.examples], dtype=object)

    def pairs(self, kind: str) -> tuple[Int[np.ndarray, " units"], Int[np.ndarray, " units"]]:
        """Places of the units that a rewrite keeps, in the base's reading and in its own."""
        _, before, after = np.intersect1d(self.base.rows, self.readings[kind].rows, return_indices=True)
        return before, after

    def survival(self, same: Bool[np.ndarray, " units"], rows: Int[np.ndarray, " units"]) -> Survival:
        """The share of some units whose reading is the same, with its interval by files."""
        if not len(same):
            return Survival(n=0, share=None, interval=None)
        groups = self._groups[self.files.rows.table.example[rows]]
        bootstrap = ClusterBootstrap(groups, draws=self.draws, seed=self.seed)
        return Survival(n=len(same), share=float(same.mean()), interval=score_interval(same, bootstrap))

    def survivals(
        self,
        reading: Mapping[str, Int[np.ndarray, " units"]],
        base: Int[np.ndarray, " units"],
        counted: Bool[np.ndarray, " units"],
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


def follows_spelling(rewrites: Mapping[str, Survival], renamed: Survival) -> bool:
    """Fewer than half of the readings survive a new name, and more than half each other rewrite, by the bounds.

    Without another rewrite of some of these readings nothing tells spelling from any change at all.
    """
    if renamed.interval is None or renamed.interval[1] >= _HALF:
        return False
    others = [own.interval for kind, own in rewrites.items() if kind != RENAMED and own.n]
    return bool(others) and all(interval is not None and interval[0] > _HALF for interval in others)


def read_rewritten(
    model: CodeModel, files: RewrittenFiles, options: ExtractionOptions, *, draws: int = 2000, seed: int = 0
) -> Rewritten:
    """Read test files as they are and in each rewrite.

    Args:
        model: As it read the rows.
        files: To read.
        options: As the view `detect` was read.
        draws: Resamples of files.
        seed: Of them.

    Cost: a pass over the tokens for each rewrite and one more.
    """
    texts = {i: Rewrite.of(files.rows.dataset.examples[i].text) for i in files.chosen}
    base = _read(model, files.rows, texts, options)
    readings = {kind: _read(model, files.rows, own, options) for kind, own in files.made.items() if own}
    return Rewritten(files, base, readings, draws, seed)


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
