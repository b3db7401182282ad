"""Steps of a study of concepts that come after the claims: latent concepts of layers, explanations of whole texts."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from jaxtyping import Float
from torch import Tensor

from neurosieve.activations.store import ActivationStore
from neurosieve.concepts.evidence.strongest import Asked, find_evidence
from neurosieve.concepts.guess_language import Languages
from neurosieve.concepts.latent import concept_net
from neurosieve.concepts.latent.alignment import align
from neurosieve.concepts.latent.cluster_stability import cluster_stability
from neurosieve.concepts.latent.label_agreement import names_of, published_agreement, published_answers
from neurosieve.concepts.latent.sheets import Sheet, sheet, write_conceptnet, write_conceptx
from neurosieve.concepts.latent.tree import LatentConcepts, LatentCut, assign, grow_tree
from neurosieve.concepts.neurons.describe import describe
from neurosieve.concepts.neurons.neuron_stability import neuron_stability, set_stability
from neurosieve.concepts.rewritten import Rewritten
from neurosieve.concepts.rows import ConceptStore
from neurosieve.concepts.texts.explain import explain_examples
from neurosieve.data import Dataset
from neurosieve.errors import ConfigError, DataError
from neurosieve.results.concept_evidence import Evidence
from neurosieve.results.concept_stability import ClusterStability, ConceptStability
from neurosieve.results.concepts import ConceptFindings
from neurosieve.results.latent_clusters import LatentClusters, PublishedAgreement
from neurosieve.results.measured import NotMeasured, Reason
from neurosieve.results.whole_texts import TextFindings
from neurosieve.studies.config import StudyConfig
from neurosieve.studies.inputs import extract_stage, read_data
from neurosieve.studies.redundancy.selection import saved_selection
from neurosieve.studies.run_folder import RunFolder, whole_store
from neurosieve.typing import Split

ANSWERS = "answers"  # of annotators, beside the sheets
CALLED = 2  # neurons of a value to look at
EXPLAINED = 20  # neurons of the run's first ranking
UNLABELLED = 30  # clusters without a property that are listed


@dataclass(frozen=True, kw_only=True)
class EvidenceStep:
    """What `concepts/evidence-VIEW.json` holds.

    Attributes:
        neurons: With their tokens.
    """

    neurons: tuple[Evidence, ...]


@dataclass(frozen=True, kw_only=True)
class LatentStep:
    """What `concepts/latent.json` holds.

    Attributes:
        layers: Their clusters, at each number of them.
    """

    layers: tuple[LatentClusters, ...]


def evidence_step(config: StudyConfig, store: ConceptStore, findings: ConceptFindings) -> EvidenceStep:
    """The neurons that are claimed, the clearest above their rivals first, then each value's strongest by train."""
    asked = _to_look_at(findings)[: config.concepts.evidence]
    layers = store.grid.layers
    evidence = find_evidence(store, asked)
    described = tuple(replace(e, description=describe(e.neuron, findings.concepts, layers)) for e in evidence)
    return EvidenceStep(neurons=described)


def _to_look_at(findings: ConceptFindings) -> list[Asked]:
    called = [(c, n) for c in findings.concepts for n in c.claimed[:CALLED]]
    called.sort(key=lambda pair: pair[0].rival[1] - pair[1].ap)
    rest = [(c, n) for c in findings.concepts if not c.claimed for n in c.neurons[:1]]
    return [Asked(n.neuron, c.name, n.low) for c, n in (*called, *rest)]


def latent_step(config: StudyConfig, store: ConceptStore, folder: str) -> LatentStep:
    """Clusters of each layer at each number of them, compared with the properties; files to annotate are written.

    Raises:
        ConfigError: A layer that the model does not have.
    """
    clusters: list[LatentClusters] = []
    for layer in _latent_layers(config, store):
        clusters += _layer(config, store, layer, folder)
    return LatentStep(layers=tuple(clusters))


def _latent_layers(config: StudyConfig, store: ConceptStore) -> Iterator[int]:
    """Layers in which latent concepts are sought."""
    count, options = store.grid.layers, config.concepts
    layers = sorted({count // 2, count - 1}) if options.latent_layers is None else options.latent_layers
    for layer in layers if options.clusters else ():
        if not 0 <= layer < count:
            raise ConfigError(
                f"latent concepts of layer {layer}",
                expected=f"a layer from 0 to {count - 1}",
                got=str(layer),
                remedy="check --set concepts.latent_layers",
            )
        yield layer


def _layer(config: StudyConfig, store: ConceptStore, layer: int, folder: str) -> Iterator[LatentClusters]:
    numbers = {split: store.numbers(split) for split in ("train", "test")}
    count = len(numbers["train"])
    cuts = _cuts(config, store, layer)
    train = assign(cuts, _vectors(store, "train", layer))
    held_out = assign(cuts, _vectors(store, "test", layer), held_out=True)
    table = store.table.select(np.concatenate([numbers["train"], numbers["test"]]))
    texts = [example.text for example in store.rows.dataset.examples]
    for clusters, other in zip(train, held_out, strict=True):
        alignment = align(clusters, other, table, texts, seed=config.seed)
        tokens = sheet(clusters.cluster, table.select(np.arange(count)), texts)
        name = f"layer-{layer}-clusters-{clusters.k}"
        files, reason = _write_sheets(folder, name, tokens)
        published = _published(config, store, (clusters, other), tokens, f"{folder}/{ANSWERS}/{name}")
        yield LatentClusters(
            alignment=replace(alignment, unlabelled=alignment.unlabelled[:UNLABELLED]),
            moved=clusters.moved,
            rows={"train": count, "test": len(numbers["test"])},
            unlabelled_clusters=len(alignment.unlabelled),
            files=files,
            files_reason=reason,
            published=published,
        )


def _published(
    config: StudyConfig, store: ConceptStore, cuts: tuple[LatentConcepts, LatentConcepts], tokens: Sheet, answers: str
) -> PublishedAgreement | None:
    """Agreement of a cut with published labels, which are written down as an annotator's answers; None without any."""
    values = store.table.values.get(concept_net.NAME)
    if not config.concepts.concept_net or values is None:
        return None
    train, held_out = cuts
    codes = store.codes(concept_net.NAME, "train")
    names, shares = names_of(train.cluster, codes, train.k, len(values))
    if said := published_answers(names, shares, values):
        write_conceptnet(f"{answers}/{concept_net.NAME}.json", {c: tokens[c] for c in said}, said)
    codes, groups = store.codes(concept_net.NAME, "test"), store.groups("test")
    return published_agreement(
        names, held_out.cluster, codes, len(values), groups, draws=config.bootstrap, seed=config.seed
    )


def _cuts(config: StudyConfig, store: ConceptStore, layer: int) -> list[LatentCut]:
    """A layer's tree at each number of clusters: no more than a hundred of the rows could each make ten of."""
    count = len(store.numbers("train"))
    tree = grow_tree(_vectors(store, "train", layer), count, layer, seed=config.seed)
    return [tree.cut(min(k, max(2, count // 10))) for k in config.concepts.clusters]


def stability_step(
    config: StudyConfig, store: ConceptStore, findings: ConceptFindings, rewritten: Rewritten
) -> ConceptStability:
    """What of the claimed neurons and the latent clusters survives when test files are written otherwise."""
    clusters: list[ClusterStability] = []
    for layer in _latent_layers(config, store):
        clusters += cluster_stability(_cuts(config, store, layer), rewritten, store.grid)
    return ConceptStability(
        tokens=len(rewritten.base.rows),
        files=rewritten.files.changed,
        left_out=rewritten.files.left_out,
        neurons=tuple(neuron_stability(store, findings, rewritten)),
        clusters=tuple(clusters),
        sets=tuple(set_stability(store, findings, rewritten)),
    )


def _write_sheets(folder: str, name: str, tokens: Any) -> tuple[Mapping[str, str], str | None]:
    """Files of both layouts; the reason if a word cannot be written in ConceptX's, which has one token per line."""
    files = {"conceptnet": f"{name}.json"}
    write_conceptnet(f"{folder}/{files['conceptnet']}", tokens)
    try:
        write_conceptx(f"{folder}/{name}.txt", tokens)
    except DataError as e:
        return files, str(e)
    return files | {"conceptx": f"{name}.txt"}, None


def _vectors(store: ConceptStore, split: Split, layer: int) -> Iterator[Float[Tensor, "rows width"]]:
    for values, _ in store.batches(split, [layer]):
        yield values


def _of_run(config: StudyConfig, folder: RunFolder) -> ActivationStore:
    """The run's rows; those of a run without a store are read again."""
    return whole_store(folder.path) or extract_stage(config, read_data(config), folder, no_store=True)


def examples_step(
    config: StudyConfig, folder: RunFolder, dataset: Dataset, languages: Languages
) -> TextFindings | NotMeasured:
    """What properties of whole texts explain the run's neurons; the reason if that is not known."""
    if not config.whole:
        return NotMeasured.because(Reason.OF_TOKENS)
    if (selection := saved_selection(folder.files)) is None:
        return NotMeasured.because(Reason.NO_RANKING)
    neurons = selection.rankings[0].top(EXPLAINED)
    of = languages.of
    if config.pair_input == "joint":
        # One input, one language: a query with its code has none.
        of = tuple(of[pair.left] if of[pair.left] == of[pair.right] else None for pair in dataset.pairs)
        dataset = dataset.joined()
    try:
        findings = explain_examples(
            _of_run(config, folder), dataset, of, neurons, draws=config.bootstrap, seed=config.seed
        )
    except DataError as e:
        return NotMeasured.from_text(str(e))
    return findings.result()
