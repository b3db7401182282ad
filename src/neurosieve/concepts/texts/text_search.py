"""Which few neurons tell a property of whole texts together: rows of texts, and the curves of their sets.

The search is that of values of tokens (`concepts.sparse`): a text is a row, its neurons' values are those of the whole
text as the study reads one, and the rivals are those of texts. What a value of few bins holds of a number is asked for
beside the number itself.
"""

import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from neurosieve.concepts.neurons.claims import MIN_ROWS, NOT_GIVEN
from neurosieve.concepts.neurons.passes import Values, values_with_rows
from neurosieve.concepts.properties import PROPERTIES, Property, annotate, find_property
from neurosieve.concepts.rows import ConceptRows, ConceptStore
from neurosieve.concepts.sparse.curves import SIZES, Sets, held_out_of, refuse_sizes, with_sets
from neurosieve.concepts.sparse.few_neurons import FewNeurons
from neurosieve.concepts.sparse.number_curves import number_curves
from neurosieve.concepts.sparse.told import Numbers
from neurosieve.concepts.texts.text_rivals import TextRivals
from neurosieve.data.dataset import Dataset, Rows
from neurosieve.errors import ConfigError, DataError
from neurosieve.results.concept_claims import Concept, ConceptFindings, UnseenRows
from neurosieve.results.measured import NotMeasured
from neurosieve.results.text_sets import TextNumber, TextSets
from neurosieve.typing import SPLITS, Split

TEXTS: dict[Split, int] = {"train": 2_000, "validation": 500, "test": 1_000}
_LABEL = "text"


def text_rows(
    dataset: Dataset,
    languages: Sequence[str | None],
    *,
    properties: Iterable[str | Property] | None = None,
    texts: Mapping[Split, int] | None = None,
    seed: int = 0,
) -> ConceptRows:
    """One row for each text of code, with properties of whole texts; each text of a pair is one.

    Args:
        dataset: Functions, files or lines; their own labels play no part.
        languages: Of each example; None for what is no code, which is left out.
        properties: Of whole texts, by name or as they are; by default all that come with the package.
        texts: Most of each split, `TEXTS` by default, drawn by seed.
        seed: Of the draw.

    Raises:
        ConfigError: A property that is unknown, or of tokens.
        DataError: A split without texts of code.
    """
    asked = _asked(properties)
    chosen = list(_drawn(dataset, languages, dict(TEXTS) | dict(texts or {}), seed))
    examples = tuple(replace(dataset.examples[i], spans=()) for i in chosen)
    spoken = tuple(str(languages[i]) for i in chosen)
    table = annotate([e.text for e in examples], spoken, properties=asked, ids=[e.id for e in examples])
    rows = Rows.from_units((_LABEL,), [(i, 0, len(e.text), 0) for i, e in enumerate(examples)])
    left = {s: sum(e.split == s for e in dataset.examples) - sum(e.split == s for e in examples) for s in SPLITS}
    return ConceptRows(replace(dataset, examples=examples, whole=True, pairs=()), rows, table, spoken, left)


def _asked(properties: Iterable[str | Property] | None) -> list[Property]:
    if properties is None:
        return [p for p in PROPERTIES.values() if p.scope == "example"]
    asked = [find_property(p) if isinstance(p, str) else p for p in properties]
    for p in asked:
        if p.scope != "example":
            raise ConfigError(
                f"property {p.name!r} of whole texts",
                expected="one of whole texts, such as complexity",
                got="one of tokens",
                remedy="ask for it with --properties",
            )
    return asked


def _drawn(dataset: Dataset, languages: Sequence[str | None], most: Mapping[Split, int], seed: int) -> Iterator[int]:
    """Places of the examples, each text of a split once."""
    for split in SPLITS:
        pool = [i for i, e in enumerate(dataset.examples) if e.split == split and languages[i] and e.text.strip()]
        if not pool:
            raise DataError(f"{split} split", expected="texts of code", got="none", remedy="add files")
        random.Random(f"{seed} texts {split}").shuffle(pool)
        yield from sorted(pool[: most[split]])


def find_text_sets(
    store: ConceptStore,
    *,
    sizes: Sequence[int] | None = None,
    min_rows: int = MIN_ROWS,
    draws: int = 2000,
    seed: int = 0,
    untrained: Iterable[ConceptStore] | NotMeasured = NOT_GIVEN,
) -> TextSets:
    """The sets of few neurons of each value and number of whole texts; see `find_concept_sets` for the arguments.

    Args:
        store: Rows of `text_rows`.
        sizes: Of the sets; by default 1, 2, 4, 8, 16 and 32, as far as there are live neurons.
        min_rows: Texts that a value has, and that others have, in train and in test.
        draws: Resamples of files.
        seed: Of draws and resamples.
        untrained: The same texts read by untrained copies, one after the other; or why there are none.

    Raises:
        ConfigError: A size above the live neurons, or below 1.
        DataError: No value with enough texts and no number.
    """
    values, (numbers, left_out) = values_with_rows(store, min_rows), Numbers.of(store)
    told = [t for t in (values, numbers) if t.names]
    if not told:
        raise DataError(
            "properties of whole texts",
            expected=f"a value with {min_rows} texts in train and in test, or a number",
            got="none",
            remedy="read more texts, or ask for other properties",
        )
    asked = tuple(sorted(set(SIZES if sizes is None else sizes)))
    searches = [FewNeurons.of(store, t, asked, seed) for t in told]
    if sizes is not None:
        refuse_sizes(asked, searches[0])
    reason, copies = "", list[list[list[Sets]]]()
    if isinstance(untrained, NotMeasured):
        reason = untrained.text
    else:
        copies = [[FewNeurons.of(copy, few.told, few.sizes, seed).sets() for few in searches] for copy in untrained]
    rivals = TextRivals.of(store)
    concepts: tuple[Concept, ...] = ()
    curves: tuple[TextNumber, ...] = ()
    for i, few in enumerate(searches):
        of_copies = [copy[i] for copy in copies]
        if isinstance(few.told, Numbers):
            curves = number_curves(few, rivals.numbers(few.told), of_copies, draws)
        else:
            concepts = with_sets(few, list(_concepts(store, few.told, rivals)), of_copies, draws, rivals)
    return TextSets(values=_findings(store, values, concepts, reason), numbers=curves, left_out=left_out)


def _findings(store: ConceptStore, values: Values, concepts: tuple[Concept, ...], reason: str) -> ConceptFindings:
    splits: tuple[Split, Split] = ("train", "test")
    return ConceptFindings(
        view=store.view,
        rows={split: len(store.numbers(split)) for split in splits},
        files={split: len(set(store.groups(split))) for split in splits},
        concepts=concepts,
        left_out=values.left_out,
        untrained_reason=reason,
    )


def _concepts(store: ConceptStore, values: Values, rivals: TextRivals) -> Iterator[Concept]:
    """Each value without neurons of its own."""
    unseen = held_out_of(store, 0, 1).unseen
    order = np.argsort(store.numbers("test"), kind="stable")
    for name, kept in values.kept.items():
        train, test = (store.codes(name, split) for split in ("train", "test"))
        for v in kept:
            positive = test[order] == v
            hits = int((positive & unseen).sum())
            yield Concept(
                view=store.view,
                property_name=name,
                value=store.table.values[name][v],
                train=int((train == v).sum()),
                test=int(positive.sum()),
                base=float(positive.mean()),
                rivals=rivals.precision(name, v),
                unseen=UnseenRows(hits, hits / max(int(unseen.sum()), 1)),
                neurons=(),
                layers=(),
            )
