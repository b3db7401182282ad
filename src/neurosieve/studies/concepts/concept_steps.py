"""Steps of a study of concepts that come after the claims: latent concepts of layers, explanations of whole texts."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float
from torch import Tensor

from neurosieve.activations.store import ActivationStore
from neurosieve.concepts.evidence.strongest import Asked, find_evidence
from neurosieve.concepts.guess_language import Languages
from neurosieve.concepts.latent.alignment import align
from neurosieve.concepts.latent.sheets import sheet, write_conceptnet, write_conceptx
from neurosieve.concepts.latent.tree import assign, grow_tree
from neurosieve.concepts.neurons.claims import ConceptFindings
from neurosieve.concepts.neurons.describe import describe
from neurosieve.concepts.rows import ConceptStore
from neurosieve.concepts.texts.explain import explain_examples
from neurosieve.data import Dataset
from neurosieve.errors import ConfigError, DataError
from neurosieve.probes.archive import load_outcome
from neurosieve.studies.config import StudyConfig
from neurosieve.studies.redundancy.selection import Selection
from neurosieve.studies.run_folder import STORE, RunFolder
from neurosieve.typing import Split

NO_RANKING = "no neurons are ranked here: run the study first, then look for concepts again"
CALLED = 2  # neurons of a value to look at
EXPLAINED = 20  # neurons of the run's first ranking
UNLABELLED = 30  # clusters without a property that are listed


def evidence_step(config: StudyConfig, store: ConceptStore, found: ConceptFindings) -> list[dict[str, Any]]:
    """The neurons that are called, the clearest above their rivals first, then each value's strongest by train."""
    asked = _to_look_at(found)[: config.concepts.evidence]
    layers = store.store.manifest.layers
    return [
        {"description": describe(e.asked.neuron, found.concepts, layers), **e.record()}
        for e in find_evidence(store, asked)
    ]


def _to_look_at(found: ConceptFindings) -> list[Asked]:
    called = [(c, n) for c in found.concepts for n in c.claimed[:CALLED]]
    called.sort(key=lambda pair: pair[0].rival[1] - pair[1].ap)
    rest = [(c, n) for c in found.concepts if not c.claimed for n in c.neurons[:1]]
    return [Asked(n.neuron, c.name, n.low) for c, n in (*called, *rest)]


def latent_step(config: StudyConfig, store: ConceptStore, folder: Path) -> list[dict[str, Any]]:
    """Clusters of each layer at each number of them, beside the properties; sheets to annotate are written.

    Raises:
        ConfigError: A layer that the model has not.
    """
    manifest, options = store.store.manifest, config.concepts
    middle_and_last = sorted({manifest.layers // 2, manifest.layers - 1})
    layers = middle_and_last if options.latent_layers is None else options.latent_layers
    found: list[dict[str, Any]] = []
    for layer in layers if options.clusters else ():
        if not 0 <= layer < manifest.layers:
            raise ConfigError(
                f"latent concepts of layer {layer}",
                expected=f"a layer from 0 to {manifest.layers - 1}",
                got=str(layer),
                remedy="check --set concepts.latent_layers",
            )
        found += _layer(config, store, layer, folder)
    return found


def _layer(config: StudyConfig, store: ConceptStore, layer: int, folder: Path) -> Iterator[dict[str, Any]]:
    numbers = {split: store.numbers(split) for split in ("train", "test")}
    count = len(numbers["train"])
    tree = grow_tree(_vectors(store, "train", layer), count, layer, seed=config.seed)
    # No more clusters than a hundred of the rows could each make ten of.
    cuts = [tree.cut(min(k, max(2, count // 10))) for k in config.concepts.clusters]
    train = assign(cuts, _vectors(store, "train", layer))
    held_out = assign(cuts, _vectors(store, "test", layer), held_out=True)
    table = store.table.select(np.concatenate([numbers["train"], numbers["test"]]))
    texts = [example.text for example in store.rows.dataset.examples]
    for own, other in zip(train, held_out, strict=True):
        alignment = align(own, other, table, texts, seed=config.seed)
        tokens = sheet(own.cluster, table.select(np.arange(count)), texts)
        name = f"layer-{layer}-clusters-{own.k}"
        files = {"conceptnet": f"{name}.json", "conceptx": f"{name}.txt"}
        reason = _write_sheets(folder, files, tokens)
        record = dict(alignment.archive().record)
        yield record | {
            "moved": own.moved,
            "rows": {"train": count, "test": len(numbers["test"])},
            "unlabelled": record["unlabelled"][:UNLABELLED],
            "unlabelled_clusters": len(record["unlabelled"]),
            "files": files,
            "files_reason": reason,
        }


def _write_sheets(folder: Path, files: dict[str, str], tokens: Any) -> str | None:
    """Both layouts; the reason where a word cannot be told in ConceptX's, which has a token a line."""
    write_conceptnet(folder / files["conceptnet"], tokens)
    try:
        write_conceptx(folder / files["conceptx"], tokens)
    except DataError as e:
        del files["conceptx"]
        return str(e)
    return None


def _vectors(store: ConceptStore, split: Split, layer: int) -> Iterator[Float[Tensor, "rows width"]]:
    for values, _ in store.batches(split, [layer]):
        yield values


def examples_step(
    config: StudyConfig, folder: RunFolder, dataset: Dataset, languages: Languages
) -> tuple[dict[str, Any] | None, str | None]:
    """What properties of whole texts explain the run's neurons; the reason where that cannot be told."""
    if not config.whole:
        return None, "labels are on tokens, not on whole texts"
    if not folder.files.exists("selection.json"):
        return None, NO_RANKING
    selection = load_outcome(folder.files, "selection", Selection)
    neurons = selection.rankings[0].top(EXPLAINED)
    of = languages.of
    if config.pair_input == "joint":
        # One input, one language: a query beside its code is none.
        of = tuple(of[pair.left] if of[pair.left] == of[pair.right] else None for pair in dataset.pairs)
        dataset = dataset.joined()
    try:
        found = explain_examples(
            ActivationStore(folder.path / STORE), dataset, of, neurons, draws=config.bootstrap, seed=config.seed
        )
    except DataError as e:
        return None, str(e)
    return found.record(), None
