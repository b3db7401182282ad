"""The rows of a study read by copies of its model with random weights."""

from collections.abc import Callable, Iterator

from neurosieve.activations.extraction import ExtractionOptions
from neurosieve.concepts.rows import ConceptRows, ConceptStore, read_concepts
from neurosieve.models import CodeModel
from neurosieve.models.untrained import untrained_copy
from neurosieve.results.measured import NotMeasured, Reason
from neurosieve.studies.config import StudyConfig
from neurosieve.studies.run_folder import RunFolder

PARTS = "concepts"


def untrained_stores(
    config: StudyConfig,
    folder: RunFolder,
    model: Callable[[], CodeModel],
    rows: ConceptRows,
    how: tuple[str, ExtractionOptions],
    *,
    no_store: bool,
) -> Iterator[ConceptStore] | NotMeasured:
    """The rows read by copies, one after the other; or why there are none.

    Args:
        config: The study.
        folder: Where a copy's rows are, until the next one is asked for.
        model: Gives the study's own model.
        rows: What is read.
        how: The name of the reading, and its options.
        no_store: Write no activations.
    """
    if not config.concepts.untrained:
        return NotMeasured.because(Reason.LEFT_OUT, "concepts.untrained: false")
    if not config.untrained_seeds:
        return NotMeasured.because(Reason.LEFT_OUT, "untrained_seeds: 0")

    def read() -> Iterator[ConceptStore]:
        for seed in range(config.seed, config.seed + config.untrained_seeds):
            place = f"{PARTS}/untrained-{how[0]}-{seed}"
            copied = untrained_copy(model(), seed)
            yield read_concepts(copied, rows, f"{folder.path}/{place}", how[1], no_store=no_store)
            folder.files.remove(place)  # as large as the view itself, and only its best neurons are asked for

    return read()
