"""The model hub: asked once, for a few seconds, before transformers asks it for each file."""

from pathlib import Path
from typing import NamedTuple

from huggingface_hub import get_hf_file_metadata, hf_hub_url, try_to_load_from_cache
from huggingface_hub.errors import (
    EntryNotFoundError,
    GatedRepoError,
    HFValidationError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
)

from neurosieve.errors import ModelError

_CONFIG = "config.json"
_WAIT = 5.0  # seconds


class Source(NamedTuple):
    """What transformers loads a model from, and the commit on the hub, if it is known."""

    place: str
    revision: str | None = None


def source_of(place: str) -> Source:
    """A folder or file as it is; of a hub's name the name, or the copy in the cache where the hub cannot be asked.

    transformers itself asks for every file, waits and asks again, a minute in all, with a warning each time.

    Raises:
        ModelError: The hub has no such model; it cannot be asked, and there is no copy.
    """
    if Path(place).exists():
        return Source(place)
    try:
        return Source(place, get_hf_file_metadata(hf_hub_url(place, _CONFIG), timeout=_WAIT).commit_hash)
    except (GatedRepoError, EntryNotFoundError):
        return Source(place)  # transformers says what is missing
    except (RepositoryNotFoundError, HFValidationError) as e:
        raise _none(
            place,
            "neither a folder here nor a model on the hub",
            "check the name; of a private model, log in with `hf auth login`",
        ) from e
    except Exception as e:  # each release of the client has its own classes for a network that fails
        copy = try_to_load_from_cache(place, _CONFIG)
        if isinstance(copy, str):
            return Source(str(Path(copy).parent), Path(copy).parent.name)
        reason = "HF_HUB_OFFLINE is set" if isinstance(e, OfflineModeIsEnabled) else _first_line(e)
        raise _none(
            place,
            f"no folder here, no copy in the cache, and no answer of the hub (offline? {reason})",
            "check the name, download it while online, or point --model at a local folder",
        ) from e


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:160].rstrip(".")


def _none(name: str, got: str, remedy: str) -> ModelError:
    return ModelError(
        f"model {name}", expected="a model folder here or a name on the model hub", got=got, remedy=remedy
    )
