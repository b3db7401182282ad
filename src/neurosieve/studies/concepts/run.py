"""The concepts of a study's code: rows in both views → claims, groups, evidence, latent concepts → one record.

Everything is in the run folder: `concepts/` holds the stores and what each step found, so that a stopped run continues;
`concepts.json` is the whole outcome.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from neurosieve.activations.extraction import ExtractionOptions
from neurosieve.activations.store import ActivationStore
from neurosieve.concepts.guess_language import Languages, languages_of
from neurosieve.concepts.latent.concept_net import ConceptNet, concept_net_property, matched_note, read_concept_net
from neurosieve.concepts.properties import PROPERTIES, Property, find_property
from neurosieve.concepts.rewritten import RewrittenFiles, read_rewritten, rewrite_files
from neurosieve.concepts.rows import ConceptRows, ConceptStore, concept_rows, read_concepts
from neurosieve.concepts.sets.groups import find_groups
from neurosieve.concepts.sets.set_search import SetOptions
from neurosieve.concepts.sparse.curves import find_concept_sets
from neurosieve.data import Dataset
from neurosieve.errors import ConfigError, DataError, ModelError
from neurosieve.models import CodeModel, resolve_device
from neurosieve.results.concept_counts import TextCounts, TokenCounts
from neurosieve.results.concept_stability import ConceptStability
from neurosieve.results.concepts import FORMAT, ConceptFindings, ConceptResult
from neurosieve.results.measured import NotMeasured, Reason
from neurosieve.results.neuron_groups import NeuronGroups
from neurosieve.results.text_sets import TextSets
from neurosieve.storage.folder import Folder
from neurosieve.storage.records import read_object
from neurosieve.studies import steps
from neurosieve.studies.concepts.concept_steps import (
    EvidenceStep,
    LatentStep,
    evidence_step,
    examples_step,
    latent_step,
    stability_step,
)
from neurosieve.studies.concepts.copies import PARTS as PARTS
from neurosieve.studies.concepts.copies import untrained_stores
from neurosieve.studies.concepts.text_step import TextSetsStep, TextWork
from neurosieve.studies.config import StudyConfig, make_config
from neurosieve.studies.finished import read_concepts_of, write_report
from neurosieve.studies.inputs import model_of, options_of, read_dataset
from neurosieve.studies.option_models import ConceptOptions
from neurosieve.studies.redundancy.selection import is_studied
from neurosieve.studies.run_folder import CONCEPTS, REPORT, RunFolder, config_of, versions
from neurosieve.studies.steps import Steps
from neurosieve.typing import SPLITS, PathLike, View

OPTIONS = f"{PARTS}/{steps.OPTIONS}"
LABEL = "label"
SHEETS = "annotate"
TEXT_SETS = "text-sets"
T = TypeVar("T")


@dataclass
class ConceptWork:
    """What the steps share; the model is loaded when the first step reads with it."""

    config: StudyConfig
    folder: RunFolder
    dataset: Dataset
    no_store: bool = False

    @property
    def options(self) -> ConceptOptions:
        """The study's, for concepts."""
        return self.config.concepts

    @property
    def steps(self) -> Steps:
        """Those of concepts."""
        return Steps(self.folder, PARTS)

    @cached_property
    def _streamed(self) -> dict[View, ConceptStore]:
        """Views of which nothing is written, by their names."""
        return {}

    @cached_property
    def model(self) -> CodeModel:
        """The study's model."""
        return model_of(self.config)

    @cached_property
    def languages(self) -> Languages:
        """Of each example."""
        return languages_of(self.dataset, self.options.language, queries=self.config.task == "code-search")

    @cached_property
    def properties(self) -> list[Property]:
        """What is looked for."""
        own = [] if self.concept_net is None else [concept_net_property(self.concept_net)]
        return [*properties_of(self.options, self.dataset, self.config.labels, own)]

    @cached_property
    def concept_net(self) -> ConceptNet | None:
        """Published clusters, where such were given."""
        return None if self.options.concept_net is None else read_concept_net(self.options.concept_net)

    @cached_property
    def rows(self) -> ConceptRows:
        """The tokens and their properties."""
        asked = self.properties  # a wrong name before a long guess
        tokens = dict(zip(SPLITS, self.options.tokens, strict=True))
        return concept_rows(self.dataset, self.languages.of, properties=asked, tokens=tokens, seed=self.config.seed)

    @cached_property
    def rewritten(self) -> RewrittenFiles:
        """Test files written otherwise."""
        return rewrite_files(self.rows, self.options.rewrites)

    def store(self, view: View) -> ConceptStore:
        """A view's activations, read now or before."""
        if view not in self._streamed:
            url = f"{self.folder.path}/{PARTS}/{view}"
            store = read_concepts(self.model, self.rows, url, self.reading(view), no_store=self.no_store)
            if not self.no_store:
                return store
            self._streamed[view] = store
        return self._streamed[view]

    def counts(self, view: View) -> dict[str, int]:
        """Units of a view that were read and left out."""
        url = f"{self.folder.path}/{PARTS}/{view}"
        if self.no_store or not ActivationStore.started(url):  # the view may have been found without one
            return self.store(view).store.manifest.counts
        return ActivationStore(url).manifest.counts

    def untrained(self, view: View) -> Iterator[ConceptStore] | NotMeasured:
        """The rows read by copies with random weights, one after the other; or why there are none."""
        how = view, self.reading(view)
        return untrained_stores(self.config, self.folder, lambda: self.model, self.rows, how, no_store=self.no_store)

    @cached_property
    def texts(self) -> TextWork:
        """The step of whole texts."""
        return TextWork(
            self.config, self.folder, self.dataset, lambda: self.languages, lambda: self.model, self.no_store
        )

    def reading(self, view: View) -> ExtractionOptions:
        """How rows are read in a view."""
        reading = options_of(self.config, self.model.adapter.kind)
        return replace(reading, view=view, rounds=self.options.rounds, pooling="mean", max_windows=None)

    def step(self, name: str, kind: type[T], make: Callable[[], T]) -> T:
        """What a step finds: made and saved, or read where it was saved before."""
        return self.steps.once(name, kind, make, timed=f"{PARTS}: {name}")


def load_concepts(run: PathLike) -> ConceptResult | None:
    """What was found in a run folder; None where concepts were not looked for, or not to the end.

    Raises:
        RunFolderError: A file that is damaged or of another format version.
    """
    return read_concepts_of(run)


def continue_concepts(run: PathLike, changes: Mapping[str, Any], *, no_store: bool = False) -> ConceptResult:
    """Look for concepts with the model and data of a run folder, and with other options where they are given.

    Raises:
        RunFolderError: No run folder.
        NeurosieveError: As `run_concepts`.
    """
    config = config_of(run)
    values = config.model_dump(mode="json")
    before = read_object(Folder(run), OPTIONS) or values["concepts"]
    return run_concepts(make_config(options=values | {"concepts": before | dict(changes)}), run, no_store=no_store)


def run_concepts(config: StudyConfig, out: PathLike, *, no_store: bool = False) -> ConceptResult:
    """Look for concepts, or continue what was begun in this folder; the outcome is on the page too.

    Args:
        config: The study, with its options of concepts.
        out: The run folder.
        no_store: Write no activations: the model reads the rows each time they are asked for.

    Raises:
        ConfigError: Activations that were made elsewhere, without model and code.
        RunFolderError: Concepts were looked for there with other options.
        NeurosieveError: See `neurosieve.errors`; what was finished before stays.
    """
    if config.activations is not None:
        raise ConfigError(
            "concepts", expected="a model and code", got="activations made elsewhere", remedy="give --model and --data"
        )
    dataset = read_dataset(config)
    with RunFolder.begun(out, config, dataset.hashes) as folder:
        work = ConceptWork(config, folder, dataset, no_store)
        work.steps.check_options(work.options.model_dump(mode="json", exclude=_later(work)), f" and {CONCEPTS}")
        earlier = _earlier(work)
        result = earlier or Steps(work.folder).make(Path(CONCEPTS).stem, partial(_result, work), timed="")
        if not earlier or not work.folder.files.exists(REPORT):  # there may be a page without concepts
            write_report(out)
    return result


def _later(work: ConceptWork) -> set[str]:
    """Options that may be given to what was begun without them."""
    before = read_object(work.folder.files, OPTIONS) or {}
    rewrites = set() if before.get("rewrites") else {"rewrites"}
    return (
        rewrites if work.folder.files.exists(f"{PARTS}/{TEXT_SETS}.json") else rewrites | {"text_properties", "texts"}
    )


def _earlier(work: ConceptWork) -> ConceptResult | None:
    """What was found before; None where nothing was, or where the run has ranked neurons since."""
    earlier = read_concepts_of(work.folder.path)
    if earlier is None:
        return None
    if work.options.rewrites and earlier.stability is None:
        return None
    if work.options.text_properties and earlier.text_sets is None:
        return None
    if not is_studied(work.folder.files):
        return earlier
    lacks_ranking = isinstance(earlier.examples, NotMeasured) and earlier.examples.reason is Reason.NO_RANKING
    return None if lacks_ranking else earlier  # the other steps are read back


def _result(work: ConceptWork) -> ConceptResult:
    """What is found, and what it was made with."""
    _keep_options(work)
    config, table, store = work.config, work.rows.table, work.store("detect")
    manifest = store.store.manifest
    views, predict_reason = _views(work)
    return ConceptResult(
        format=FORMAT,
        model=config.model,
        revision=manifest.revision,
        site=config.site,
        task=config.task,
        layers=manifest.layers,
        neurons=len(store.grid),
        texts=TextCounts(read=table.sources, with_errors=table.with_errors, framed=table.framed),
        tokens=TokenCounts(read=len(table), in_error=table.rows_in_error),
        units={view: work.counts(view) for view in views},
        views=views,
        predict_reason=predict_reason,
        evidence={view: _evidence(work, view, findings).neurons for view, findings in views.items()},
        groups=_groups(work, store, views[store.view]),
        latent=_latent(work, store).layers,
        examples=examples_step(config, work.folder, work.dataset, work.languages),
        text_sets=_text_sets(work),
        stability=_stability(work, store, views[store.view]),
        notes=(work.dataset.source, *_notes(work), *([f"no view predict: {predict_reason}"] if predict_reason else ())),
        options=config.concepts.model_dump(mode="json"),
        seed=config.seed,
        seconds=work.folder.seconds,
        peak_rss_mb=work.folder.peak_rss_mb(),
        versions=versions(),
        data_hashes=dict(work.dataset.hashes),
    )


def _keep_options(work: ConceptWork) -> None:
    """Write down the options once there are tokens, rewrites and a model: what is refused leaves no trace."""
    options = work.options
    texts = not options.text_properties or work.texts.rows
    if len(work.rows.rows) and (not options.rewrites or work.rewritten) and texts and work.model:
        work.steps.keep_options(work.options.model_dump(mode="json"))


def _views(work: ConceptWork) -> tuple[dict[View, ConceptFindings], str | None]:
    """The claims of each view; `predict` is left out, with the reason, where the model or the rows do not allow it."""
    findings, reason = dict[View, ConceptFindings](), None
    for view in work.options.views:
        try:
            findings[view] = work.step(view, ConceptFindings, partial(_claims, work, view))
        except (DataError, ModelError) as e:
            if view == "detect":
                raise
            reason = str(e)
    return findings, reason


def _evidence(work: ConceptWork, view: View, findings: ConceptFindings) -> EvidenceStep:
    return work.step(f"evidence-{view}", EvidenceStep, lambda: evidence_step(work.config, work.store(view), findings))


def _groups(work: ConceptWork, store: ConceptStore, found: ConceptFindings) -> NeuronGroups | NotMeasured:
    config, asked = work.config, work.options.groups
    if asked == ():
        return NotMeasured.from_text("")
    options = SetOptions(draws=config.random_draws, seed=config.seed)
    if asked is None:  # a union shares its neurons with its parts by construction
        asked = tuple(p.name for p in work.properties if not p.united)
    claimed = {c.name: few.neurons for c in found.concepts if (few := c.claimed_set)}
    if isinstance(texts := _text_sets(work), TextSets):
        claimed |= texts.claimed
    make = partial(find_groups, store, asked, options, resolve_device(config.device), claimed)
    return work.step("groups", NeuronGroups, make)


def _text_sets(work: ConceptWork) -> TextSets | NotMeasured | None:
    """What is found for whole texts; None where that is not asked for."""
    if not work.texts.wanted:
        return None
    return work.step(TEXT_SETS, TextSetsStep, lambda: TextSetsStep(found=work.texts.find())).found


def _latent(work: ConceptWork, store: ConceptStore) -> LatentStep:
    sheets = f"{work.folder.path}/{PARTS}/{SHEETS}"
    return work.step("latent", LatentStep, lambda: latent_step(work.config, store, sheets))


def _stability(work: ConceptWork, store: ConceptStore, findings: ConceptFindings) -> ConceptStability | None:
    if not work.options.rewrites:
        return None
    config, options = work.config, work.reading("detect")

    def make() -> ConceptStability:
        files = read_rewritten(work.model, work.rewritten, options, draws=config.bootstrap, seed=config.seed)
        return stability_step(config, store, findings, files)

    return work.step("stability", ConceptStability, make)


def _claims(work: ConceptWork, view: View) -> ConceptFindings:
    config = work.config
    store = work.store(view)
    return find_concept_sets(
        store,
        sizes=work.options.sizes,
        min_rows=work.options.min_rows,
        draws=config.bootstrap,
        seed=config.seed,
        untrained=work.untrained(view),
    )


def _notes(work: ConceptWork) -> list[str]:
    """What a user has to know of the rows."""
    table, left = work.rows.table, sum(work.rows.left.values())
    notes = [work.languages.note, *(f"{count:,} {what}" for what, count in work.dataset.notes.items())]
    if work.concept_net:
        notes.append(matched_note(work.concept_net, work.rows))
    if table.with_errors:
        notes.append(
            f"{table.with_errors:,} of {table.sources:,} texts hold code that does not parse; {table.rows_in_error:,}"
            " tokens are in it and are kept"
        )
    if table.framed:
        notes.append(f"{table.framed:,} texts are fragments, which were parsed inside code that could surround them")
    if left:
        notes.append(f"{left:,} texts were not needed for the tokens asked for")
    return notes


def properties_of(
    options: ConceptOptions, dataset: Dataset, labels: str | None, own: Sequence[Property] = ()
) -> list[Property]:
    """What is asked for and `own`; by default all properties of tokens, and the task's label where people gave it."""
    label = label_property(dataset) if not dataset.whole and labels is None else None
    more = ({} if label is None else {LABEL: label}) | {p.name: p for p in own}
    if options.properties is None:
        return [*(p for p in PROPERTIES.values() if p.scope == "token"), *more.values()]
    if label is None and LABEL in options.properties:
        raise ConfigError(
            f"property {LABEL!r}",
            expected="a task with labels on tokens that people gave",
            got="labels read from the syntax tree" if labels else "a label for each whole text",
            remedy="leave it out",
        )
    others = [p.name for p in own if p.name not in options.properties]
    return [find_property(name, more) for name in (*options.properties, *others)]


def label_property(dataset: Dataset) -> Property:
    """The data's own labels on tokens, as a property of the tokens that begin in them."""
    spans = {e.id: e.spans for e in dataset.examples}

    def read(source: Any, places: Any) -> list[str | None]:
        labelled = spans.get(source.id, ())
        starts = np.array([s.start for s in labelled], dtype=np.int64)
        labels: list[str | None] = []
        for start, _ in places:
            i = int(np.searchsorted(starts, start, side="right")) - 1
            labels.append(labelled[i].label if i >= 0 and start < labelled[i].end else None)
        return labels

    return Property(LABEL, "token", "the label that the data gives", read)
