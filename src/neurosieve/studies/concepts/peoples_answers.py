"""People's names for clusters lie in the folder of concepts: who has to delete it is told so."""

from neurosieve.storage.folder import Folder
from neurosieve.studies.concepts.copies import PARTS
from neurosieve.studies.run_folder import CONCEPTS
from neurosieve.typing import PathLike

SHEETS = "annotate"
ANSWERS = "answers"  # of annotators, beside the sheets


def to_delete(run: PathLike) -> str:
    """What has to go before concepts are looked for anew, and what of it people gave and no command gives again."""
    place = f"{PARTS}/{SHEETS}/{ANSWERS}"
    lost = f" (people's names for clusters would be lost: copy {run}/{place} first)" if Folder(run).names(place) else ""
    return f"{run}/{PARTS} and {run}/{CONCEPTS}{lost}"
