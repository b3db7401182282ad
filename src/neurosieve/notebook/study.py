"""One run folder as an object: what was asked, what was found, and what can be asked further."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import polars as pl

from neurosieve.errors import ConfigError, RunFolderError, unknown_name
from neurosieve.notebook.profiles import profile_of
from neurosieve.notebook.stage_arrays import Rankings, read_rankings
from neurosieve.results.concepts import ConceptResult
from neurosieve.results.export import ExportResult
from neurosieve.results.interventions import EditKind, InterventionResult
from neurosieve.results.measured import NotMeasured
from neurosieve.results.neuron_profile import NeuronProfile
from neurosieve.results.redundancy import FRAMES, RedundancyResult
from neurosieve.results.redundancy_parts import OracleScores, TrustEntry
from neurosieve.results.redundancy_sets import SmallestSet
from neurosieve.storage.folder import Folder
from neurosieve.studies.config import StudyConfig
from neurosieve.studies.finished import load_exports, load_interventions, load_summary, read_concepts_of, report_alone
from neurosieve.studies.option_models import InterventionOptions
from neurosieve.studies.run_folder import STORE, SUMMARY, config_of
from neurosieve.typing import NeuronId, PathLike, Split

if TYPE_CHECKING:  # what computes is loaded where something is computed
    from neurosieve.activations.store import Activations, ActivationStore
    from neurosieve.models import CodeModel


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
        """All that the run knows of one neuron: ranks, sets, concepts, evidence, edits. Prints and shows itself.

        Raises:
            ConfigError: The model has no such neuron.
            RunFolderError: A damaged file.
        """
        study, concepts = self.result if self._studied else None, self._concepts
        layers, width = self._shape(study, concepts)
        if not (0 <= layer < layers and 0 <= index < width):
            raise ConfigError(
                f"neuron {layer}:{index}",
                expected=f"a layer below {layers} and an index below {width}",
                got=f"layer {layer}, index {index}",
                remedy="give layer and index of this run's model and site",
            )
        about = (self.config.model, self.config.site)
        return profile_of(NeuronId(layer, index), about, study, self._rankings, concepts, self.interventions)

    def _shape(self, study: RedundancyResult | None, concepts: ConceptResult | None) -> tuple[int, int]:
        known = study or concepts or self.result  # which says what is missing
        return known.layers, known.neurons // known.layers

    def to_frame(self, name: str = "minimal_sets") -> pl.DataFrame:
        """A part of what was found as a table, a column a figure.

        Args:
            name: Of `RedundancyResult.to_frame` ("minimal_sets", "neurons", "curves", "layers", …); "rankings" (each
                neuron's place), "concepts", "interventions" or "exports" (the frontier of each).

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
                return _edit_frame(self.interventions)
            case "exports":
                return _export_frame(self._need(self.exports, "an exported model", "export"))
        if name not in FRAMES:
            raise unknown_name("table", name, (*FRAMES, "rankings", "concepts", "interventions", "exports"))
        return self.result.to_frame(name)

    def plot(self, name: str) -> Any:
        """A figure of the report, of plotly.

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
        return plots.alone(charts[name])

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
        if earlier is not None and _answers(earlier, properties, options):
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
        """Write the cheapest model that does the run's task into a folder of its own, and measure it.

        `neurosieve.load_compact(out)` loads it. What was measured is kept in the run, too, and shown on its page.

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

    def model(self) -> "CodeModel":
        """The run's model, loaded: for `live` and for reading further code.

        Raises:
            ModelError: It cannot be loaded.
        """
        from neurosieve.studies.inputs import model_of

        return model_of(self.config)

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

    # How it shows itself.

    @property
    def _studied(self) -> bool:
        return Folder(self.folder).exists(SUMMARY)

    @cached_property
    def _concepts(self) -> ConceptResult | None:
        return read_concepts_of(self.folder)

    @cached_property
    def _rankings(self) -> Rankings | None:
        return read_rankings(Folder(self.folder))

    def _need(self, part: Found | None, what: str, command: str) -> Found:
        if not part:
            remedy = f"run `neurosieve {command} {self.folder}`"
            raise RunFolderError(f"run folder {self.folder}", expected=what, got="none", remedy=remedy)
        return part

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


def _answers(result: ConceptResult, properties: Sequence[str] | None, options: dict[str, Any]) -> bool:
    """Was all that is asked for found before, by the same options?"""
    if properties is not None:
        names = {name.partition(":")[0] for name in properties}
        looked = {c.property_name for view in result.views.values() for c in view.concepts}
        looked |= {name.partition("=")[0] for view in result.views.values() for name in view.left_out}
        if not names <= looked:
            return False
    plain = {key: list(value) if isinstance(value, tuple) else value for key, value in options.items()}
    return all(key in result.options and result.options[key] == value for key, value in plain.items())


def _export_frame(exports: Mapping[str, ExportResult]) -> pl.DataFrame:
    """The frontiers of some exports below each other."""
    frames = (result.to_frame().insert_column(0, pl.lit(name).alias("export")) for name, result in exports.items())
    return pl.concat(frames, how="vertical_relaxed")


def _edit_frame(edits: Sequence[InterventionResult]) -> pl.DataFrame:
    """One row an edit: what it is, how many neurons, what was claimed, and the effect on the property."""
    rows = []
    for edit in edits:
        row: dict[str, Any] = {"concept": edit.concept, "edit": edit.edit, "how": edit.how}
        row |= {"neurons": len(edit.neurons), "claimed": edit.claimed}
        if not isinstance(edit.predictions, NotMeasured):
            effect = next(e.effect for e in edit.predictions.effects if e.score == "property")
            low, high = effect.interval or (None, None)
            row |= {"effect": effect.value, "low": low, "high": high}
        rows.append(row)
    return pl.DataFrame(rows, infer_schema_length=None)
