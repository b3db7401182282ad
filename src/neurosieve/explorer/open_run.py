"""A run as the server holds it: results are read once, neurons when they are asked for."""

import re
from functools import cached_property
from pathlib import Path
from urllib.parse import quote

import numpy as np
from jaxtyping import Int
from markupsafe import Markup, escape

from neurosieve.errors import ConfigError, ResourceError, RunFolderError
from neurosieve.notebook.profiles import check_neurons, profile_of, with_column
from neurosieve.notebook.stage_arrays import Rankings, read_rankings
from neurosieve.printing import visible
from neurosieve.progress import print_notes
from neurosieve.report.saved_files import Found
from neurosieve.results.latent_clusters import LatentClusters
from neurosieve.results.measured import NotMeasured
from neurosieve.results.neuron_profile import NeuronProfile
from neurosieve.storage.folder import Folder
from neurosieve.studies.columns.built_files import BuiltFiles
from neurosieve.studies.columns.column_building import build
from neurosieve.studies.config import StudyConfig
from neurosieve.studies.finished import (
    load_exports,
    load_interventions,
    load_module_changes,
    load_modules,
    load_summary,
    read_concepts_of,
)
from neurosieve.studies.run_folder import SUMMARY, config_of
from neurosieve.typing import Grid, NeuronId

_NEURON = re.compile(r"\b(\d{1,6}):(\d{1,9})\b")


class OpenRun:
    """One run.

    Args:
        folder: Of the run.
        name: In addresses.

    Raises:
        RunFolderError: No run folder, one without results and activations, or a damaged one.
        StoreError: Damaged activations, or files of the explorer.
        ResourceError: The explorer's files cannot be written, and there are no results to show instead.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self.folder, self.name = folder, name
        self.config: StudyConfig = config_of(folder)
        concepts, edits = read_concepts_of(folder), tuple(load_interventions(folder))
        studied = Folder(folder).exists(SUMMARY)
        self.built = _built(folder, results=bool(studied or concepts or edits))
        nothing = concepts is None and not edits and self.built is None
        summary = load_summary(folder) if studied or nothing else None  # which says what is missing
        parts = load_exports(folder), load_modules(folder), load_module_changes(folder)
        self.found = Found(summary, concepts, edits, *parts)
        self.rankings: Rankings | None = read_rankings(Folder(folder))

    @property
    def address(self) -> str:
        """Where its pages begin."""
        return f"/runs/{quote(self.name, safe='')}"

    @cached_property
    def grid(self) -> Grid:
        """Layers and neurons of a layer."""
        if self.built:
            return self.built.grid
        known = self.found.summary or self.found.concepts
        if known is None:
            where, expected = f"run folder {self.folder}", "activations or results"
            raise RunFolderError(where, expected=expected, got="edits alone", remedy="copy all of it")
        return Grid(known.layers, known.neurons // known.layers)

    @cached_property
    def places(self) -> dict[str, Int[np.ndarray, " neurons"]]:
        """Of each ranking the place of each neuron, from 1; 0 where it is not ranked. Shape [neurons]."""
        if self.rankings is None:
            return {}
        columns, places = self.grid.columns(self.rankings.live), dict[str, np.ndarray]()
        for name, ranks in self.rankings.ranks.items():
            places[name] = np.zeros(len(self.grid), dtype=np.int64)
            places[name][columns] = ranks
        return places

    @cached_property
    def claimed(self) -> dict[NeuronId, list[str]]:
        """Property values that neurons are claimed for."""
        claims: dict[NeuronId, list[str]] = {}
        views = self.found.concepts.views.values() if self.found.concepts else ()
        for c in (c for view in views for c in view.concepts):
            for n in c.claimed:
                if c.name not in claims.setdefault(n.neuron, []):
                    claims[n.neuron].append(c.name)
        return claims

    @cached_property
    def values(self) -> frozenset[str]:
        """Property values that have a page."""
        views = self.found.concepts.views.values() if self.found.concepts else ()
        return frozenset(c.name for view in views for c in view.concepts)

    @property
    def cuts(self) -> tuple[LatentClusters, ...]:
        """Latent concepts: clusters of the tokens of a layer."""
        latent = self.found.concepts.latent if self.found.concepts else None
        return () if latent is None or isinstance(latent, NotMeasured) else latent

    def check(self, neuron: NeuronId) -> NeuronId:
        """The neuron itself.

        Raises:
            ConfigError: The model has no such neuron.
        """
        check_neurons([neuron], self.grid)
        return neuron

    def profile(self, neuron: NeuronId, label: str | None = None) -> NeuronProfile:
        """What results say of a neuron, and its own column.

        Raises:
            ConfigError: The model has no such neuron, or rows have no such label.
        """
        about, found = (self.config.model, self.config.site), self.found
        parts = found.summary, self.rankings, found.concepts, found.interventions, found.modules
        return with_column(profile_of(self.check(neuron), about, *parts), self.built, label)

    def columns(self) -> BuiltFiles:
        """The explorer's files.

        Raises:
            ConfigError: The run holds no activations.
        """
        if self.built is None:
            raise ConfigError(
                "values of neurons",
                expected="activations in the run folder",
                got="none",
                remedy="copy the folder with its activations, or run `neurosieve extract` again",
            )
        return self.built

    def cell(self, text: str) -> Markup:
        """A table's cell: neurons and property values lead to their pages."""
        shown = visible(text)
        if shown in self.values:
            return Markup("<a href='{}/properties/{}'>{}</a>").format(self.address, quote(shown, safe="="), shown)
        parts, begin = [], 0
        for match in _NEURON.finditer(shown):
            neuron = NeuronId(int(match[1]), int(match[2]))
            if neuron in self.grid:
                link = Markup("<a href='{}/neurons/{}/{}'>{}</a>").format(self.address, *neuron, match[0])
                parts += [escape(shown[begin : match.start()]), link]
                begin = match.end()
        return Markup("").join([*parts, escape(shown[begin:])])


def _built(folder: Path, *, results: bool) -> BuiltFiles | None:
    """The explorer's files; None where they cannot be written and there are results to show without them."""
    try:
        return build(folder)
    except ResourceError as e:
        if not results:
            raise
        print_notes([f"pages show results alone, without neurons' own tokens: {visible(str(e))}"], always=True)
        return None
