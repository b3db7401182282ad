"""Everything that can go wrong, in one line each.

    NeurosieveError             exit code 1
    ├── ConfigError             an option, a study file or a name that is not known (exit code 2: usage)
    ├── DataError               a data set that cannot be read or does not fit the task
    ├── ModelError              a model that cannot be loaded or used
    ├── SelfCheckError          activations that differ from transformers' own
    ├── StoreError              an activation store that is damaged or of another format
    ├── RunFolderError          a run folder of another study or format
    └── ResourceError           full disk, unwritable folder, no memory left, missing extra

Every message has the form "object: expected …, got …; remedy".
"""

import difflib
from collections.abc import Iterable

from neurosieve.printing import visible


class NeurosieveError(Exception):
    """Base of all errors a user can mend; never raised itself.

    Examples:
        >>> try:
        ...     ns.load("nowhere")
        ... except ns.NeurosieveError as error:
        ...     print(error.got, "|", error.remedy)
        none | point at the --out of an earlier command

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
    """An option, a study file or a name that is not known.

    Examples:
        >>> ns.load("runs/java").to_frame("nothing")
        Traceback (most recent call last):
        neurosieve.errors.ConfigError: table 'nothing': expected one of ...
    """

    exit_code = 2


class DataError(NeurosieveError):
    """A data set that cannot be read or does not fit the task.

    Examples:
        >>> ns.load_dataset("no-such-folder")
        Traceback (most recent call last):
        neurosieve.errors.DataError: ...no-such-folder...: expected ...
    """


class ModelError(NeurosieveError):
    """A model that cannot be loaded or used.

    Examples:
        >>> ns.load_model("token-tagging-java")
        Traceback (most recent call last):
        neurosieve.errors.ModelError: model folder token-tagging-java: expected a config.json, got none; ...
    """


class SelfCheckError(NeurosieveError):
    """Activations that differ from transformers' own.

    Examples:
        >>> issubclass(ns.SelfCheckError, ns.NeurosieveError), ns.SelfCheckError.exit_code
        (True, 1)
    """


class StoreError(NeurosieveError):
    """An activation store that is damaged or of another format.

    Examples:
        >>> ns.load("runs/java").store["train", 99]
        Traceback (most recent call last):
        neurosieve.errors.StoreError: shard ...: expected the tensor layer.99, got ...
    """


class RunFolderError(NeurosieveError):
    """A run folder of another study or format.

    Examples:
        >>> ns.load("no-such-folder")
        Traceback (most recent call last):
        neurosieve.errors.RunFolderError: run folder no-such-folder: expected a study.yaml, got none; ...
    """


class ResourceError(NeurosieveError):
    """Full disk, unwritable folder, no memory left, missing extra.

    Examples:
        >>> ns.report("runs/java", to=".")
        Traceback (most recent call last):
        neurosieve.errors.ResourceError: report .: expected a file to write, got a folder; name a file
    """


class NeurosieveWarning(UserWarning):
    """What a user should know of a result that is given all the same; one line."""


def unknown_name(kind: str, name: str, known: Iterable[str]) -> ConfigError:
    """The error for a name outside a fixed list, with the nearest known name as remedy."""
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    remedy = f"did you mean {near[0]}?" if near else f"choose one of the known {kind}s"
    return ConfigError(f"{kind} {name!r}", expected=f"one of {', '.join(names)}", got=repr(name), remedy=remedy)


def is_out_of_memory(error: BaseException) -> bool:
    """Did memory run out? torch says so in words alone."""
    said = ("out of memory", "can't allocate memory")
    return isinstance(error, MemoryError) or (isinstance(error, RuntimeError) and any(s in str(error) for s in said))


def out_of_memory(subject: str, got: str) -> ResourceError:
    """The error where memory ran out, or where that is the most likely reason."""
    return ResourceError(
        subject,
        expected="enough memory",
        got=got,
        remedy="use fewer --workers, fewer rows (--rows, --tokens) or a smaller --batch-tokens; "
        "the same command continues",
    )


def not_finite(subject: str, expected: str = "finite activations") -> DataError:
    """The error for activations that half precision could not hold."""
    remedy = "read the model with --precision float32 into another --out"
    return DataError(subject, expected=expected, got="inf or nan", remedy=remedy)
