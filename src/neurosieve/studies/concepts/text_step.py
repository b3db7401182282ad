"""The step of a study of concepts that looks for sets of few neurons for properties of whole texts."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from neurosieve.concepts.guess_language import Languages
from neurosieve.concepts.rows import ConceptRows, read_concepts
from neurosieve.concepts.texts.text_search import find_text_sets, text_rows
from neurosieve.data import Dataset
from neurosieve.errors import DataError
from neurosieve.models import CodeModel
from neurosieve.results.measured import NotMeasured
from neurosieve.results.text_sets import TextSets
from neurosieve.studies.concepts.copies import PARTS, untrained_stores
from neurosieve.studies.config import StudyConfig
from neurosieve.studies.inputs import options_of
from neurosieve.studies.run_folder import RunFolder
from neurosieve.typing import SPLITS

NAME = "texts"


@dataclass(frozen=True, kw_only=True)
class TextSetsStep:
    """What `concepts/text-sets.json` holds.

    Attributes:
        found: The sets, or why there are none.
    """

    found: TextSets | NotMeasured


@dataclass
class TextWork:
    """What the step needs; the model is loaded when it reads."""

    config: StudyConfig
    folder: RunFolder
    dataset: Dataset
    languages: Callable[[], Languages]
    model: Callable[[], CodeModel]
    no_store: bool

    @property
    def wanted(self) -> bool:
        """Properties were asked for, or the study is one of whole texts."""
        asked = self.config.concepts.text_properties
        return bool(asked) if asked is not None else self.config.whole

    @cached_property
    def rows(self) -> ConceptRows:
        """The texts and their properties."""
        options = self.config.concepts
        texts = dict(zip(SPLITS, options.texts, strict=True))
        asked = options.text_properties
        return text_rows(self.dataset, self.languages().of, properties=asked, texts=texts, seed=self.config.seed)

    def find(self) -> TextSets | NotMeasured:
        """The sets; the reason where there are none although no property was asked for by name."""
        try:
            return self._find()
        except DataError as e:
            if self.config.concepts.text_properties:
                raise
            return NotMeasured.from_text(str(e))

    def _find(self) -> TextSets:
        config, rows = self.config, self.rows
        how = options_of(config, self.model().adapter.kind)
        url = f"{self.folder.path}/{PARTS}/{NAME}"
        store = read_concepts(self.model(), rows, url, how, no_store=self.no_store)
        copies = untrained_stores(config, self.folder, self.model, rows, (NAME, how), no_store=self.no_store)
        return find_text_sets(
            store,
            sizes=config.concepts.sizes,
            min_rows=config.concepts.min_rows,
            draws=config.bootstrap,
            seed=config.seed,
            untrained=copies,
        )
