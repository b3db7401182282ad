"""One run folder as an object: what was asked, what was found, and what can be asked further."""

from collections.abc import Collection, Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import polars as pl

from neurosieve.errors import RunFolderError, unknown_name
from neurosieve.notebook.asked_before import answers
from neurosieve.notebook.joined_frames import edit_frame, export_frame
from neurosieve.notebook.profiles import check_neurons, profile_of, with_column
from neurosieve.notebook.stage_arrays import Rankings, read_rankings
from neurosieve.results.code_reading import CodeReading
from neurosieve.results.concepts import ConceptResult
from neurosieve.results.export import ExportResult
from neurosieve.results.interventions import EditKind, InterventionResult
from neurosieve.results.modules import ChangeKind, ModuleChange, ModulesResult
from neurosieve.results.neuron_profile import NeuronProfile
from neurosieve.results.neuron_set import NeuronSet
from neurosieve.results.redundancy import FRAMES, RedundancyResult
from neurosieve.results.redundancy_parts import OracleScores, TrustEntry
from neurosieve.results.redundancy_sets import SmallestSet
from neurosieve.storage.folder import Folder
from neurosieve.studies.columns.built_files import BuiltFiles, read_built
from neurosieve.studies.config import StudyConfig
from neurosieve.studies.finished import (
    load_exports,
    load_interventions,
    load_module_changes,
    load_modules,
    load_summary,
    read_concepts_of,
    report_alone,
)
from neurosieve.studies.option_models import InterventionOptions
from neurosieve.studies.run_folder import STORE, SUMMARY, config_of
from neurosieve.typing import Grid, NeuronId, PathLike, Split

if TYPE_CHECKING:  # what computes or draws is loaded where something is computed or drawn
    from neurosieve.activations.store import Activations, ActivationStore
    from neurosieve.models import CodeModel
    from neurosieve.report.first_screen import Shown

Found = TypeVar("Found")


class Study:
    """A run folder: its results are read when they are asked for, and what is computed further is kept in it.

    Examples:
        >>> study = ns.load("runs/java")
        >>> best = study.minimal_sets[0]
        >>> len(best.neurons) == best.size, best.loss.interval[0] <= best.loss.value
        (True, True)
        >>> study.to_frame("neurons").columns[:3]
        ['rank', 'layer', 'index']
        >>> print(study.neuron(*best.neurons[0]))
        Neuron ... of ...
        >>> small = study.export("small-java", delta=0.5)
        >>> print(small.headline)
        a table without a network (...): ... on test, ... smaller and ... faster than the whole model
        >>> small.exported.within
        True

    Args:
        folder: The `out` of `run`.
    """

    def __init__(self, folder: PathLike) -> None:
        self.folder: PathLike = Path(folder) if Folder(folder).on_this_machine else folder

    # What was asked and found; none of this loads torch.

    @cached_property
    def config(self) -> StudyConfig:
        """The options that the run was begun with.

        Raises:
            RunFolderError: No run folder, or a damaged study.yaml.
        """
        return config_of(self.folder)

    @cached_property
    def result(self) -> RedundancyResult:
        """What the study of the task found.

        Raises:
            RunFolderError: The task was not studied in this run, or not to the end; a damaged file.
        """
        return load_summary(self.folder)

    @property
    def headline(self) -> str:
        """The finding in one sentence: of the task, else of concepts, else of edits.

        Raises:
            RunFolderError: See `result`.
        """
        concepts = self._concepts
        if self._studied or (concepts is None and not self.interventions):
            return self.result.headline
        return concepts.headline if concepts else self.interventions[0].headline

    @property
    def oracle(self) -> OracleScores:
        """The probe on all neurons: `study.oracle.test` is its score on test."""
        return self.result.oracle

    @property
    def trust(self) -> tuple[TrustEntry, ...]:
        """Questions that the finding has to pass, with their answers."""
        return self.result.trust

    @property
    def minimal_sets(self) -> tuple[SmallestSet, ...]:
        """Smallest sets, the headline's first; none where nothing can be claimed (`result.minimal_sets` says why)."""
        return self.result.sets

    @property
    def interventions(self) -> tuple[InterventionResult, ...]:
        """What edits of the live model did, by the names of their files."""
        return tuple(load_interventions(self.folder))

    @property
    def exports(self) -> dict[str, ExportResult]:
        """What was measured of the models that were made of the run, by name: of the folder, with part of a hash."""
        return load_exports(self.folder)

    def neuron(self, layer: int, index: int) -> NeuronProfile:
        """All that the run knows of one neuron; its tokens, too, once `neurosieve serve` opened the run. Shows itself.

        Raises:
            ConfigError: The model has no such neuron.
            RunFolderError: A damaged file.
            StoreError: A damaged file of the explorer.
        """
        study, concepts = self.result if self._studied else None, self._concepts
        self._check((NeuronId(layer, index),))
        about, changed = (self.config.model, self.config.site), (self.interventions, load_modules(self.folder))
        known = profile_of(NeuronId(layer, index), about, study, self._rankings, concepts, *changed)
        return with_column(known, self._built)

    def _check(self, neurons: Collection[NeuronId]) -> None:
        """Are these neurons of the model?"""
        known = (self.result if self._studied else self._concepts) or self.result  # which says what is missing
        check_neurons(neurons, Grid(known.layers, known.neurons // known.layers))

    def to_frame(self, name: str = "minimal_sets") -> pl.DataFrame:
        """A part of what was found as a table, a column a figure.

        Args:
            name: Of `RedundancyResult.to_frame` ("minimal_sets", "neurons", "curves", "layers", …); "rankings" (each
                neuron's place), "concepts", "interventions", "modules" or "exports" (the frontier of each).

        Raises:
            ConfigError: Another name.
            RunFolderError: That was not done in this run.
        """
        match name:
            case "rankings":
                return self._need(self._rankings, "rankings", "redundancy").to_frame()
            case "concepts":
                return self._need(self._concepts, "concepts", "concepts").to_frame()
            case "interventions":
                return edit_frame(self.interventions)
            case "modules":
                return self._need(load_modules(self.folder), "modules", "modules").to_frame()
            case "exports":
                return export_frame(self._need(self.exports, "an exported model", "export"))
        if name not in FRAMES:
            raise unknown_name("table", name, (*FRAMES, "rankings", "concepts", "interventions", "modules", "exports"))
        return self.result.to_frame(name)

    def plot(self, name: str) -> Any:
        """A figure of the report: it shows itself, `save`s itself and has the drawn values in `table`.

        Args:
            name: "curve", "layers", "cka", "clusters", "set", "classes" or "pareto"; a figure of concepts (an unknown
                name lists them); "effects" of edits.

        Raises:
            ConfigError: Another name.
            DataError: There are no values for it (gives the reason).
            RunFolderError: That was not done in this run.
        """
        from neurosieve.report import CHARTS, plots  # what draws is loaded where something is drawn

        if name in CHARTS:
            return self.result.plot(name)
        if name == plots.EFFECTS:
            return plots.plot_effects(self.interventions)
        concepts = self._concepts
        if concepts is None or name not in (charts := plots.all_concept_charts(concepts)):
            raise unknown_name("figure", name, (*CHARTS, plots.EFFECTS, *(charts if concepts else ())))
        return charts[name]

    def report(self, path: PathLike | None = None) -> PathLike:
        """Write the page of all that the run holds, there or into its folder; returns where.

        Raises:
            RunFolderError: Nothing was finished in this run.
            ResourceError: It cannot be written there.
        """
        return report_alone(self.folder, path)

    # What computes.

    def concepts(self, properties: Sequence[str] | None = None, **options: Any) -> ConceptResult:
        """Which neurons hold which properties of code: what was found before where it was looked for, else found now.

        Args:
            properties: Names of code properties or unions; what was looked for before, or all of tokens, by default.
            **options: Of concepts (`study.config.concepts` has their names and defaults), for example `min_rows=50`.

        Raises:
            RunFolderError: Concepts were looked for here with other options.
            NeurosieveError: As `neurosieve concepts`.
        """
        earlier = self._concepts
        if earlier is not None and answers(earlier, properties, options):
            return earlier
        from neurosieve.studies.concepts.run import continue_concepts

        asked = {} if properties is None else {"properties": tuple(properties)}
        self.__dict__.pop("_concepts", None)
        return continue_concepts(self.folder, asked | options)

    def intervene(self, concept: str, edit: EditKind = "ablate", **options: Any) -> InterventionResult:
        """Change a concept in the live model: what it predicts then, and after matched random edits; kept in the run.

        Args:
            concept: `property=value`.
            edit: `ablate` or `clamp` neurons, `steer` a layer to the value or `erase` it from a layer.
            **options: Of the edit, for example `how="zero"`, `sets=100`, `predictions=False`.

        Raises:
            ConfigError: An option, property or value that is not known.
            RunFolderError: Concepts were not looked for in the view `predict`.
            NeurosieveError: As `neurosieve intervene`.
        """
        from neurosieve.studies.interventions.run import intervene

        asked = {"concept": concept, "edit": edit, **options}
        return intervene(self.folder, InterventionOptions.model_validate(asked))

    def export(self, out: PathLike, delta: float | None = None, **options: Any) -> ExportResult:
        """Write the cheapest model that does the run's task into a folder, for `load_compact`, and measure it.

        Args:
            out: Folder of the model; new or empty.
            delta: Loss allowed on validation against the probe on all neurons; by default the study's.
            **options: Others of `neurosieve export`, for example `form="full"`.

        Raises:
            ConfigError: No set within delta (says the nearest); an option that is not known.
            NeurosieveError: As `neurosieve export`.
        """
        from neurosieve.studies.export.run import export
        from neurosieve.studies.export_options import ExportOptions

        asked = options if delta is None else {"delta": delta, **options}
        return export(self.folder, out, ExportOptions.model_validate(asked)).result

    def modules(self, out: PathLike | None = None, **options: Any) -> ModulesResult:
        """One module a label, each the fewest neurons that tell it from the rest: found before, else found now.

        Args:
            out: Folder of compact models, one a module, which `neurosieve.load_compact` reads as one; new or empty.
            **options: Of `neurosieve modules`: `delta`, `select`, `draws`.

        Raises:
            RunFolderError: Neurons are not ranked here, or modules were sought with other options.
            DataError: Labels of which there are no modules: values, or two classes.
        """
        from neurosieve.studies.module_options import ModuleOptions
        from neurosieve.studies.modules.run import find_modules

        return find_modules(self.folder, ModuleOptions.model_validate(options), out=out).result

    def change_module(self, kind: ChangeKind, label: str, source: PathLike | None = None) -> ModuleChange:
        """Use one module alone, drop it, replace it by another run's, or add one; what moved is kept in the run.

        Args:
            kind: `use`, `drop`, `replace` or `add`.
            label: Whose module.
            source: Folder of another run of the same model: whose module replaces it, or with the new label's rows.

        Raises:
            ConfigError: A label that has no module, or has one already; no `source` where one is needed.
            RunFolderError: A source of another model, or without modules.
            DataError: A source without such a label, or without rows of it.
        """
        from neurosieve.studies.modules.changes import AskedChange
        from neurosieve.studies.modules.run import find_modules

        asked = AskedChange(kind, label, None if source is None else Path(source))
        (found,) = find_modules(self.folder, changes=[asked]).changes
        return found

    @property
    def module_changes(self) -> tuple[ModuleChange, ...]:
        """What changes of modules did, by the names of their files."""
        return load_module_changes(self.folder)

    def model(self) -> "CodeModel":
        """The run's model, loaded: for `live` and for reading further code.

        Raises:
            ModelError: It cannot be loaded.
        """
        from neurosieve.studies.inputs import model_of

        return model_of(self.config)

    def read(self, code: str, neurons: Iterable[Iterable[int]] | None = None) -> CodeReading:
        """The values of some neurons at each token of code that you give, by the run's model.

        Args:
            code: Any text.
            neurons: (layer, index) of each; by default those of the smallest set.

        Raises:
            ConfigError: A neuron that the model does not have; none given, and the run has no smallest set.
            DataError: No token in the code.
            ModelError: The model cannot be loaded.
        """
        from neurosieve.activations.snippets import read_snippet

        wanted = NeuronSet(self.minimal_sets[0].neurons if neurons is None and self.minimal_sets else neurons or ())
        self._check(wanted)
        return read_snippet(self.model(), code, wanted)

    @property
    def store(self) -> "ActivationStore":
        """The run's activations on disk: `study.store["train", 3]` are the values of layer 3.

        Raises:
            StoreError: There are none.
        """
        from neurosieve.activations.store import ActivationStore

        return ActivationStore(f"{self.folder}/{STORE}")

    def rows(self, split: Split) -> "Activations":
        """The rows of a split in memory, all layers side by side.

        Raises:
            StoreError: They were not read, or a file is damaged.
        """
        return self.store.read(split)

    @property
    def _studied(self) -> bool:
        return Folder(self.folder).exists(SUMMARY)

    @cached_property
    def _concepts(self) -> ConceptResult | None:
        return read_concepts_of(self.folder)

    @cached_property
    def _rankings(self) -> Rankings | None:
        return read_rankings(Folder(self.folder))

    @cached_property
    def _built(self) -> BuiltFiles | None:
        return read_built(self.folder)

    def _need(self, part: Found | None, what: str, command: str) -> Found:
        if not part:
            remedy = f"run `neurosieve {command} {self.folder}`"
            raise RunFolderError(f"run folder {self.folder}", expected=what, got="none", remedy=remedy)
        return part

    def show(self) -> "Shown":
        """What a newcomer reads first: question, finding, trust and one figure; printed, the same without the figure.

        Raises:
            RunFolderError: Nothing was finished in this run.
        """
        from neurosieve.report.first_screen import Shown

        summary = self.result if self._studied or not (self._concepts or self.interventions) else None
        return Shown(summary, self._concepts, self.interventions)

    def __repr__(self) -> str:
        return f"Study({str(self.folder)!r})"

    def __str__(self) -> str:
        """What was found of the task, of concepts, by edits and by exports, each in its first lines."""
        parts = [str(self.result)] if self._studied else []
        parts += [str(self._concepts)] if self._concepts else []
        return "\n\n".join([*parts, *map(str, self.interventions), *map(str, self.exports.values())]) or repr(self)

    def _repr_html_(self) -> str:
        parts: list[Any] = [self.result] if self._studied else []
        parts += [self._concepts] if self._concepts else []
        return "".join(part._repr_html_() for part in (*parts, *self.interventions, *self.exports.values()))
