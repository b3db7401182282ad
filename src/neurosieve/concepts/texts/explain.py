"""Sentence-level concepts: which properties of whole texts explain the neurons that matter to a probe on examples.

A neuron's value on a text is compared with the values of each property there: found on train, confirmed on test with
the direction kept. Much of what looks high-level is length, so a property counts for what it adds to length.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from neurosieve.activations.store import ActivationStore
from neurosieve.concepts.neurons.histograms import ConceptAccumulator, ConceptSums, buckets_of
from neurosieve.concepts.neurons.scores import ConceptScores, concept_scores
from neurosieve.concepts.properties import PROPERTIES, Property, PropertyTable, annotate, find_property
from neurosieve.concepts.properties.contract import NO
from neurosieve.concepts.texts.example_findings import LABEL, LENGTH, ExampleFindings
from neurosieve.concepts.texts.single_texts import SingleTexts, excerpt, single_texts
from neurosieve.concepts.texts.variance import Regressions, Share, length_features, one_hot
from neurosieve.data.dataset import Dataset, Example
from neurosieve.errors import ConfigError, DataError
from neurosieve.probes.intervals import DRAWS, ClusterBootstrap
from neurosieve.probes.metrics import MIN_ROWS
from neurosieve.progress import track
from neurosieve.results.whole_texts import Snippet
from neurosieve.typing import NeuronId, Split

SNIPPETS = 5
_PAIRS = "probes on pairs read |u - v| and u * v of a neuron; explained is its value u on single texts"
_JOINT = "both texts of a pair are one input; properties are those of both together"
_READ: tuple[Split, Split] = ("train", "test")


def explain_examples(
    store: ActivationStore,
    dataset: Dataset,
    languages: Sequence[str | None],
    neurons: Sequence[NeuronId],
    properties: Iterable[str | Property] | None = None,
    *,
    snippets: int = SNIPPETS,
    draws: int = DRAWS,
    seed: int = 0,
) -> ExampleFindings:
    """Explain neurons by properties of the texts that a run has read.

    Args:
        store: Of a run on whole examples or pairs; a text of several pairs counts once.
        dataset: What the store was made from.
        languages: Of each example of the data set; None for what is no code, which is left out (see `languages_of`).
        neurons: In the order of their rank, for example the run's smallest set.
        properties: Of whole texts, by name or as they are; by default all that come with the package. `length` is
            always read.
        snippets: Test texts to show of those with the highest values, and of those with the lowest.
        draws: Resamples of clusters for intervals.
        seed: Of these.

    Raises:
        DataError: Languages of other examples; rows that are spans; too few texts of code, or one cluster of them; no
            property with two values, or none with enough texts; see `single_texts` and `annotate`.
        ConfigError: No neurons; a property that is not known, not of whole texts or named as the task's label.

    Cost: train and test rows of the store are read once; nearly all the rest is `annotate`, with some 50 µs a word and
    sign for all properties of texts.
    """
    asked = _asked(properties)
    code = _code(dataset, languages)
    texts = _read(store, dataset, code, neurons)
    table = _annotated(texts, code, asked)
    known = _known(table, texts)
    train, test, rare = _scored(texts, known)
    length, together, alone, gain = _shares(texts, known, ClusterBootstrap(texts.test.group, draws=draws, seed=seed))
    return ExampleFindings(
        neurons=texts.live,
        rank=tuple(i for i, n in enumerate(neurons, 1) if n in texts.live),
        dead=tuple(n for n in neurons if n not in texts.live),
        train=train,
        test=test,
        length=length,
        together=together,
        alone=alone,
        gain=gain,
        highest=texts.extremes(snippets, -1),
        lowest=texts.extremes(snippets, 1),
        groups={split: len(set(part.group)) for split, part in texts.parts.items()},
        with_errors=table.with_errors,
        left_out={**table.left_out, **known.left_out},
        rare=rare,
        notes=_notes(store, texts),
    )


def _code(dataset: Dataset, languages: Sequence[str | None]) -> dict[str, str]:
    """The language of each example that is code, by its id."""
    if len(languages) != len(dataset.examples):
        expected, remedy = f"one for each of {len(dataset.examples)} examples", "take languages_of the data set"
        raise DataError("languages", expected=expected, got=str(len(languages)), remedy=remedy)
    return {e.id: language for e, language in zip(dataset.examples, languages, strict=True) if language}


def _asked(properties: Iterable[str | Property] | None) -> list[Property]:
    """Properties of whole texts, length among them."""
    if properties is None:
        properties = [p for p in PROPERTIES.values() if p.scope == "example"]
    asked = [find_property(p) if isinstance(p, str) else p for p in properties]
    for p in asked:
        if p.scope != "example" or p.name == LABEL:
            expected = "a property of whole texts" if p.scope != "example" else f"another name than {LABEL!r}"
            got = f"one of {p.scope}s" if p.scope != "example" else "the name of the task's label"
            raise ConfigError(f"property {p.name!r}", expected=expected, got=got, remedy="leave it out or rename it")
    return asked if any(p.name == LENGTH for p in asked) else [find_property(LENGTH), *asked]


@dataclass(frozen=True)
class _Texts:
    """Train and test texts with the values of live neurons, standardised by train.

    Attributes:
        train: Texts with raw values of all neurons.
        test: Likewise.
        live: Neurons that vary on both.
        x: Train values of live neurons, shape [train, neurons].
        y: Test values, shape [test, neurons].
        other: Texts left out, as they are no code.
    """

    train: SingleTexts
    test: SingleTexts
    live: tuple[NeuronId, ...]
    x: Float[Tensor, "train neurons"]
    y: Float[Tensor, "test neurons"]
    other: int

    @property
    def parts(self) -> dict[Split, SingleTexts]:
        return {"train": self.train, "test": self.test}

    @property
    def examples(self) -> tuple[Example, ...]:
        return (*self.train.examples, *self.test.examples)

    def extremes(self, count: int, sign: int) -> tuple[tuple[Snippet, ...], ...]:
        """For each neuron the test texts of the lowest values (sign 1) or the highest (−1), each of another group."""
        return tuple(tuple(self._first(np.argsort(sign * y, kind="stable"), y, count)) for y in self.y.T.numpy())

    def _first(self, order: np.ndarray, y: np.ndarray, count: int) -> Iterator[Snippet]:
        groups = dict[str, int]()
        for i in order.tolist():
            groups.setdefault(self.test.examples[i].group, i)
        for i in list(groups.values())[:count]:
            example = self.test.examples[i]
            label = None if self.test.label is None else str(self.test.label[i])
            text, part = excerpt("\n⇄\n".join(example.parts))
            yield Snippet(id=example.id, label=label, value=float(y[i]), text=text, cut=part)


def _read(store: ActivationStore, dataset: Dataset, code: Mapping[str, str], neurons: Sequence[NeuronId]) -> _Texts:
    if not neurons:
        raise ConfigError("neurons", expected="at least one to explain", got="none", remedy="take a larger set")
    both = [single_texts(store, dataset, split, neurons) for split in _READ]
    train, test = (texts.among(code) for texts in both)
    for split, texts in zip(_READ, (train, test), strict=True):
        groups = len(set(texts.group))
        if len(texts) < MIN_ROWS or groups < 2:
            expected = f"at least {MIN_ROWS} texts of code, in two groups or more (files, commits, functions)"
            got = f"{len(texts)} in {groups}"
            raise DataError(f"{split} split", expected=expected, got=got, remedy="add data, or ask for more rows")
    centre, scale = train.values.mean(0), train.values.std(0, correction=0)
    varies = [t.values.amax(0) > t.values.amin(0) for t in (train, test)]  # exact, which a deviation is not
    live = (varies[0] & varies[1]).nonzero()[:, 0]
    if not len(live):
        remedy = "explain other neurons"
        raise DataError("neurons", expected="at least one that varies between texts", got="none", remedy=remedy)
    x, y = ((t.values[:, live] - centre[live]) / scale[live] for t in (train, test))
    other = sum(map(len, both)) - len(train) - len(test)
    return _Texts(train, test, tuple(neurons[i] for i in live.tolist()), x, y, other)


def _annotated(texts: _Texts, code: Mapping[str, str], asked: Sequence[Property]) -> PropertyTable:
    """Properties of all texts in one table, train first, so that a code means the same on both."""
    ids = [e.id for e in texts.examples]
    texts_read = ["\n".join(e.parts) for e in texts.examples]
    return annotate(texts_read, [code[name] for name in ids], properties=asked, ids=ids)


@dataclass(frozen=True)
class _Known:
    """What is known of the texts, train first: codes of each property, −1 where it does not apply, and its values."""

    codes: Mapping[str, Int[np.ndarray, " texts"]]
    values: Mapping[str, tuple[str, ...]]
    left_out: Mapping[str, str]


def _known(table: PropertyTable, texts: _Texts) -> _Known:
    """Properties with two values on train, and the task's label as one more."""
    train = len(table) - len(texts.test)
    keep = [name for name, codes in table.codes.items() if len(np.unique(codes[:train][codes[:train] >= 0])) > 1]
    left_out = {name: "one value only on train" for name in table.codes if name not in keep}
    if not keep:
        reasons = "; ".join(f"{name}: {why}" for name, why in {**table.left_out, **left_out}.items())
        remedy = "add data, or a property of your own (column_property)"
        raise DataError("properties of texts", expected="one with two values on train", got=reasons, remedy=remedy)
    codes, values = {n: table.codes[n] for n in keep}, {n: table.values[n] for n in keep}
    if texts.train.label is not None and texts.test.label is not None:
        codes[LABEL], values[LABEL] = _label(texts.train.label, texts.test.label)
    else:
        left_out[LABEL] = "labels are of pairs, not of single texts"
    return _Known(codes, values, left_out)


def _label(
    train: Sequence[str | float], test: Sequence[str | float]
) -> tuple[Int[np.ndarray, " texts"], tuple[str, ...]]:
    """Class numbers; of numbers their quarter by train."""
    both = [*train, *test]
    if isinstance(both[0], str):
        names = sorted({str(v) for v in both})
        return np.array([names.index(str(v)) for v in both]), tuple(names)
    numbers = np.array(both, dtype=np.float64)
    cuts = np.unique(np.quantile(numbers[: len(train)], (0.25, 0.5, 0.75)))
    marks = [f"{cut:.4g}" for cut in cuts]
    between = [f"{a} to {b}" for a, b in pairwise(marks)]
    return np.searchsorted(cuts, numbers, side="right"), (f"below {marks[0]}", *between, f"from {marks[-1]}")


def _scored(texts: _Texts, known: _Known) -> tuple[ConceptScores, ConceptScores, dict[str, str]]:
    """Scores on train, those on test in its directions, and the values with too few texts."""
    kept, columns, rare = dict[str, list[str]](), list[np.ndarray](), dict[str, str]()
    for name, codes in known.codes.items():
        column = np.full(len(codes), -1)
        for number, value in enumerate(known.values[name]):
            if value == NO and name != LABEL:
                continue
            has = codes == number
            least = min(min(part.sum(), (~part).sum()) for part in (has[: len(texts.x)], has[len(texts.x) :]))
            if least < MIN_ROWS:
                rare[f"{name}={value}"] = (
                    f"{least} texts of a split have it, or lack it; at least {MIN_ROWS} are needed"
                )
            else:
                column[has] = len(kept.setdefault(name, []))
                kept[name].append(value)
        if name in kept:
            columns.append(column)
    if not kept:
        expected, remedy = f"one with {MIN_ROWS} texts in train and in test", "add data, or ask for more rows"
        raise DataError("values of properties", expected=expected, got="none", remedy=remedy)
    codes = np.stack(columns, 1)
    train = concept_scores(_sums(texts.x, codes[: len(texts.x)], texts.train, kept))
    test = concept_scores(_sums(texts.y, codes[len(texts.x) :], texts.test, kept), train.low)
    return train, test, rare


def _sums(
    x: Float[Tensor, "texts neurons"],
    codes: Int[np.ndarray, "texts properties"],
    texts: SingleTexts,
    values: Mapping[str, Sequence[str]],
) -> ConceptSums:
    """Sums over the texts of a split; their values are standardised already."""
    sums = ConceptAccumulator(values, torch.zeros(x.shape[1]), torch.ones(x.shape[1]))
    sums.update(x, codes, buckets_of(texts.group.tolist()))
    return sums.result()


def _shares(
    texts: _Texts, known: _Known, bootstrap: ClusterBootstrap
) -> tuple[Share, Share, dict[str, Share], dict[str, Share]]:
    """R² of length, of all properties with it, of each alone, and the gain of each over length."""
    regressions = Regressions(texts.x.double().numpy(), texts.y.double().numpy(), bootstrap)
    parts = {name: one_hot(codes, len(known.values[name])) for name, codes in known.codes.items()}
    length = length_features([e.text for e in texts.examples], len(texts.x))
    rival = np.concatenate([length, parts[LENGTH]], 1) if LENGTH in parts else length
    base = regressions.scores(rival)
    everything = np.concatenate([length, *(part for name, part in parts.items() if name != LABEL)], 1)
    alone, gain = dict[str, Share](), dict[str, Share]()
    for name, part in track(parts.items(), "properties of texts"):
        alone[name] = regressions.share(regressions.scores(part))
        if name != LENGTH:
            gain[name] = regressions.share(regressions.scores(np.concatenate([rival, part], 1)), base)
    return regressions.share(base), regressions.share(regressions.scores(everything)), alone, gain


def _notes(store: ActivationStore, texts: _Texts) -> tuple[str, ...]:
    notes = [_PAIRS] if store.manifest.sides == 2 else []
    notes += [_JOINT] if any(e.joint is not None for e in texts.examples) else []
    notes += [f"{texts.other} texts left out: they are no code"] if texts.other else []
    return tuple(notes)
