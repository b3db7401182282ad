"""What is known of one neuron, gathered from the results of a run."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace

from neurosieve.errors import ConfigError
from neurosieve.notebook.stage_arrays import Rankings
from neurosieve.results.concept_evidence import Evidence
from neurosieve.results.concepts import ConceptResult
from neurosieve.results.interventions import InterventionResult
from neurosieve.results.measured import NotMeasured
from neurosieve.results.modules import ModulesResult
from neurosieve.results.neuron_groups import NeuronGroups
from neurosieve.results.neuron_profile import NeuronConcept, NeuronProfile, SetPlace, ValueSet
from neurosieve.results.redundancy import RedundancyResult
from neurosieve.results.text_sets import TextSets
from neurosieve.results.whole_texts import TextFindings, TextNeuron
from neurosieve.studies.columns.built_files import BuiltFiles
from neurosieve.studies.columns.token_picks import evidence_of
from neurosieve.typing import Grid, NeuronId, Site, View


def check_neurons(neurons: Collection[NeuronId], grid: Grid) -> None:
    """Raises a ConfigError for no neuron, and for one that is none of the run's model and site."""
    if not neurons:
        remedy = "give some with neurons=[(layer, index), …]"
        raise ConfigError("neurons to read", expected="at least one", got="none", remedy=remedy)
    for neuron in neurons:
        if neuron not in grid:
            raise ConfigError(
                f"neuron {neuron}",
                expected=f"a layer below {grid.layers} and an index below {grid.width}",
                got=f"layer {neuron.layer}, index {neuron.index}",
                remedy="give layer and index of this run's model and site",
            )


def profile_of(
    neuron: NeuronId,
    about: tuple[str, Site | None],
    study: RedundancyResult | None,
    rankings: Rankings | None,
    concepts: ConceptResult | None,
    edits: Sequence[InterventionResult],
    modules: ModulesResult | None = None,
) -> NeuronProfile:
    """All that a run knows of a neuron; `about` are its model and site, and None is what the run did not do."""
    number = rankings.number(neuron) if rankings else None
    represents = rankings.represents.items() if rankings else ()
    return NeuronProfile(
        neuron=neuron,
        model=about[0],
        site=about[1],
        studied=rankings is not None,
        dead=rankings is not None and neuron in rankings.dead,
        ranks={} if rankings is None or number is None else {k: int(v[number]) for k, v in rankings.ranks.items()},
        ranked=len(rankings.live) if rankings else 0,
        sets=tuple(_places(neuron, study)) if study else (),
        represents=tuple(threshold for threshold, kept in represents if number is not None and number in kept),
        concepts=tuple(_concepts(neuron, concepts)) if concepts else (),
        property_sets=tuple(_groups(neuron, concepts)) if concepts else (),
        value_sets=tuple(_value_sets(neuron, concepts)) if concepts else (),
        modules=tuple(m.label for m in modules.modules if neuron in m.neurons) if modules else (),
        evidence=_evidence(neuron, concepts) if concepts else {},
        texts=_texts(neuron, concepts) if concepts else None,
        edits=tuple(edit for edit in edits if neuron in edit.neurons),
    )


def with_column(profile: NeuronProfile, built: BuiltFiles | None, label: str | None = None) -> NeuronProfile:
    """The same with what the neuron's own column shows, where there is one.

    Raises:
        ConfigError: No such label.
        StoreError: A damaged column.
    """
    if built is None:
        return profile
    first = profile.concepts[0].name if profile.concepts else None
    return replace(profile, column=evidence_of(built, profile.neuron, label, first))


def _places(neuron: NeuronId, study: RedundancyResult) -> Iterator[SetPlace]:
    for minimal in study.sets:
        if neuron in minimal.neurons:
            place = list(minimal.neurons).index(neuron)
            yield SetPlace(
                ranking=minimal.ranking,
                delta=minimal.delta,
                select=minimal.select,
                place=place + 1,
                size=minimal.size,
                weights=dict(zip(study.labels, minimal.weights[place], strict=True)),
            )


def _concepts(neuron: NeuronId, result: ConceptResult) -> list[NeuronConcept]:
    values = [
        NeuronConcept(view=c.view, name=c.name, score=n, rival=c.rival[0], rival_ap=c.rival[1], base=c.base)
        for view in result.views.values()
        for c in view.concepts
        for n in c.neurons
        if n.neuron == neuron
    ]
    return sorted(values, key=lambda c: (not c.score.claimed, c.rival_ap - c.score.ap))


def _groups(neuron: NeuronId, result: ConceptResult) -> Iterator[str]:
    for group in result.groups.sets if isinstance(result.groups, NeuronGroups) else ():
        if group.smallest and neuron in group.smallest.neurons:
            yield group.property
        yield from (carrier.name for carrier in group.carriers if neuron in carrier.neurons)


def _value_sets(neuron: NeuronId, result: ConceptResult) -> Iterator[ValueSet]:
    """Claimed sets of several neurons; a single one is claimed as such."""
    for view in result.views.values():
        for concept in view.concepts:
            few = concept.claimed_set
            if few and few.size > 1 and neuron in few.neurons:
                yield ValueSet(view=concept.view, name=concept.name, size=few.size)
    claimed = result.text_sets.claimed if isinstance(result.text_sets, TextSets) else {}
    for name, neurons in claimed.items():
        if len(neurons) > 1 and neuron in neurons:
            yield ValueSet(view="whole texts", name=name, size=len(neurons))


def _evidence(neuron: NeuronId, result: ConceptResult) -> Mapping[View, tuple[Evidence, ...]]:
    if result.evidence is None or isinstance(result.evidence, NotMeasured):
        return {}
    evidence = {view: tuple(e for e in shown if e.neuron == neuron) for view, shown in result.evidence.items()}
    return {view: own for view, own in evidence.items() if own}


def _texts(neuron: NeuronId, result: ConceptResult) -> TextNeuron | None:
    if not isinstance(result.examples, TextFindings):
        return None
    return next((n for n in result.examples.neurons if n.neuron == neuron), None)
