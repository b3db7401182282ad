"""Everything that can go wrong, in one line each.

    NeurosieveError             exit code 1
    ├── ConfigError             an option, a study file or a name that is not known (exit code 2: usage)
    ├── DataError               a data set that cannot be read or does not fit the task
    ├── ModelError              a model that cannot be loaded or used
    ├── SelfCheckError          activations that differ from transformers' own
    ├── StoreError              an activation store that is damaged or of another format
    ├── RunFolderError          a run folder of another study or format
    └── ResourceError           full disk, unwritable folder, missing extra

Every message has the form "object: expected …, got …; remedy".
"""

import difflib
from collections.abc import Iterable

from neurosieve.printing import visible


class NeurosieveError(Exception):
    """Base of all errors a user can mend; never raised itself.

    Args:
        subject: The object at fault (file and line, option, model, shard).
        expected: What was expected of it.
        got: What came.
        remedy: What to do about it.
    """

    exit_code = 1

    def __init__(self, subject: str, *, expected: str, got: str, remedy: str) -> None:
        self.subject, self.expected, self.got, self.remedy = subject, expected, got, remedy
        line = f"{subject}: expected {expected}, got {got}; {remedy}"
        super().__init__(" ".join(map(visible, line.split("\n"))))

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild, (type(self), self.subject, self.expected, self.got, self.remedy)


def _rebuild(kind: type[NeurosieveError], subject: str, expected: str, got: str, remedy: str) -> NeurosieveError:
    return kind(subject, expected=expected, got=got, remedy=remedy)


class ConfigError(NeurosieveError):
    """An option, a study file or a name that is not known."""

    exit_code = 2


class DataError(NeurosieveError):
    """A data set that cannot be read or does not fit the task."""


class ModelError(NeurosieveError):
    """A model that cannot be loaded or used."""


class SelfCheckError(NeurosieveError):
    """Activations that differ from transformers' own."""


class StoreError(NeurosieveError):
    """An activation store that is damaged or of another format."""


class RunFolderError(NeurosieveError):
    """A run folder of another study or format."""


class ResourceError(NeurosieveError):
    """Full disk, unwritable folder, missing extra."""


def unknown_name(kind: str, name: str, known: Iterable[str]) -> ConfigError:
    """The error for a name outside a fixed list, with the nearest known name as remedy."""
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    remedy = f"did you mean {near[0]}?" if near else f"choose one of the known {kind}s"
    return ConfigError(f"{kind} {name!r}", expected=f"one of {', '.join(names)}", got=repr(name), remedy=remedy)


def not_finite(subject: str, expected: str = "finite activations") -> DataError:
    """The error for activations that half precision could not hold."""
    remedy = "read the model with --precision float32 into another --out"
    return DataError(subject, expected=expected, got="inf or nan", remedy=remedy)
