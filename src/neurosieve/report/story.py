"""What a newcomer reads first: what was asked, what was found in a few figures, and how far to trust it."""

from collections import Counter
from collections.abc import Sequence
from pathlib import PurePath
from typing import NamedTuple

from neurosieve.report.concepts import best_neuron, looked_for
from neurosieve.report.interventions import any_effects
from neurosieve.report.numbers import count, counted, metric_of, ratio
from neurosieve.report.tables import imported, lookup_name, of_classes, of_tokens
from neurosieve.results.concepts import ConceptResult
from neurosieve.results.interventions import InterventionResult
from neurosieve.results.redundancy import RedundancyResult
from neurosieve.results.redundancy_parts import Answer

_NAMED = 8  # classes


class Tile(NamedTuple):
    """One figure and what it is."""

    value: str
    text: str


class Story(NamedTuple):
    """The first screen.

    Attributes:
        asked: The question.
        tiles: The finding in figures, beside what it has to be compared with.
        trust: How far to trust it, in a sentence.
        chart: The key of the figure that shows it.
    """

    asked: str
    tiles: tuple[Tile, ...]
    trust: str
    chart: str


def short_model(model: str) -> str:
    """A model in a sentence; of a folder the end of its path."""
    path = PurePath(model)
    known = "/".join(path.parts[-2:]) if path.is_absolute() else model
    return "activations made elsewhere" if imported(model) else known


def study_story(result: RedundancyResult) -> Story:
    """Of a study of a task."""
    asked = (
        f"How few of the {counted(result.neurons, 'neuron')} of {short_model(result.model)} are enough to predict"
        f" {_predicted(result)}, about as well as from all of them?"
    )
    return Story(asked, (*_scores(result), *_set(result)), trust_sentence(result), "curve")


def _predicted(result: RedundancyResult) -> str:
    unit = "a token" if of_tokens(result) else "a piece of code"
    if not of_classes(result):
        return f"the value of {unit}"
    named = ", ".join(result.labels[:_NAMED]) + (" and others" if len(result.labels) > _NAMED else "")
    return f"the class of {unit} ({named})"


def _rows(result: RedundancyResult) -> str:
    return f"of {count(result.oracle.test.n)} test rows right" if of_classes(result) else "R² on test rows"


def _scores(result: RedundancyResult) -> tuple[Tile, ...]:
    """All neurons, and what needs none."""
    metric = metric_of(result)
    lookup = result.baselines.token_lookup.score
    return (
        Tile(metric.score(result.oracle.test.value), f"{_rows(result)} with all neurons (the oracle)"),
        Tile(metric.score(lookup.value), f"with no model at all ({lookup_name(result)})"),
    )


def _set(result: RedundancyResult) -> tuple[Tile, ...]:
    """The smallest set, and what random neurons need."""
    if not result.sets:
        return ()
    best, metric = result.sets[0], metric_of(result)
    score = metric.score(best.test.value)
    return (
        Tile(counted(best.size, "neuron"), f"chosen without the test rows, reach {score} (the smallest set)"),
        Tile(f"{best.random_size.median:g} neurons", "are needed in random order for the same (the median)"),
    )


def trust_sentence(result: RedundancyResult) -> str:
    """How many checks are passed, and which are not."""
    answers = Counter(entry.answer for entry in result.trust)
    kinds = ((Answer.YES, "passed"), (Answer.WEAKLY, "passed weakly"), (Answer.NO, "not passed"))
    parts = [f"{answers[answer]} {words}" for answer, words in kinds if answers[answer]]
    parts += [f"{answers[Answer.OPEN]} not measured"] if answers[Answer.OPEN] else []
    text = f"Of {counted(len(result.trust), 'check')}: {', '.join(parts)}."
    failed = [
        entry.question.partition(" (")[0].removesuffix("?") for entry in result.trust if entry.answer is Answer.NO
    ]
    return f"{text} Answered with no: {'; '.join(f'{question}?' for question in failed)}" if failed else text


def concept_story(result: ConceptResult) -> Story:
    """Of a search for neurons of properties of code."""
    claims = [(c, n) for view in result.views.values() for c in view.concepts for n in c.claimed]
    values, claimed = {c.name for c, _ in claims}, {n.neuron for _, n in claims}
    asked = (
        f"Which of the {counted(result.neurons, 'neuron')} of {short_model(result.model)} respond to a property of"
        " code, better than simple rules do, in files that were not used to choose them?"
    )
    verb = "neuron is" if len(claimed) == 1 else "neurons are"
    tiles = [
        Tile(count(len(claimed)), f"{verb} claimed for a property value"),
        Tile(f"{len(values)} of {looked_for(result)}", "property values with a claimed neuron"),
    ]
    if claims:
        best = max((c for c, _ in claims), key=lambda c: best_neuron(c).train_ap - c.rival[1])
        found, (rival, score) = best_neuron(best), best.rival
        tiles.append(Tile(ratio(found.ap), f"average precision (AP) of {found.neuron} for {best.name}; 1 is perfect"))
        tiles.append(Tile(ratio(score), f"of the best rule without training for it ({rival})"))
    trust = (
        "Neurons were chosen on train files. What is claimed holds on other files, by the lower bounds of 95 %"
        " intervals, and above every rule that was tried."
    )
    return Story(asked, tuple(tiles), trust, f"rivals-{next(iter(result.views))}")


def edit_story(results: Sequence[InterventionResult]) -> Story:
    """Of edits of the live model."""
    asked = (
        f"Does {short_model(results[0].model)} use these neurons? They were changed in the running model, and as many"
        " similar random neurons were changed in the same way."
    )
    claimed = sum(result.claimed for result in results)
    tiles = (Tile(f"{claimed} of {len(results)}", "edits change what the model predicts more than random edits do"),)
    trust = "An effect is claimed by the lower bound of its 95 % interval, above random edits and above other tokens."
    return Story(asked, tiles, trust, "effects" if any_effects(results) else "")


def story_of(
    summary: RedundancyResult | None, concepts: ConceptResult | None, edits: Sequence[InterventionResult]
) -> Story | None:
    """Of the first of what a run holds; None where it holds exports alone."""
    if summary is not None:
        return study_story(summary)
    if concepts is not None:
        return concept_story(concepts)
    return edit_story(edits) if edits else None


def reading(summary: RedundancyResult | None) -> tuple[str, ...]:
    """How to read the page, in a few sentences."""
    chosen = ("What was chosen (neurons, layers, settings) was chosen without the test rows; scores are on test rows.",)
    return (
        "A neuron is one number that the model computes for each token. Its name is layer:index.",
        "The heading of each figure says what it shows. Point at a mark to read its value; all values are in the"
        " table below it, which can be saved.",
        "Square brackets are 95 % intervals: the range in which the value would be on most other samples of files."
        " Round brackets are the range of several random draws.",
        *(chosen if summary is not None and summary.protocol == "sound" else ()),
        "Underlined words lead to their explanation at the end of the page.",
    )
