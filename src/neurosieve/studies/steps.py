"""Steps of a study: each is made once, saved whole, timed, and read back when the study continues.

What has an archive is saved in `NAME.json` and `NAME.safetensors`; any other record in `NAME.json`, as its type says.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from neurosieve.activations.store import ActivationStore
from neurosieve.errors import RunFolderError
from neurosieve.probes.archive import Outcome, load_outcome
from neurosieve.results.codec import from_json, to_json
from neurosieve.storage.folder import Folder
from neurosieve.storage.records import CONTENT_HASH, STUDY_HASH, read_result
from neurosieve.studies.option_models import changed_options
from neurosieve.studies.run_folder import RunFolder, whole_store

T = TypeVar("T")
OPTIONS = "options.json"


@dataclass(frozen=True)
class Steps:
    """Steps of a run folder.

    Attributes:
        folder: The run folder.
        place: Where in it their files are: empty, or the name of a folder.
    """

    folder: RunFolder
    place: str = ""

    def once(
        self,
        name: str,
        kind: type[T],
        make: Callable[[], T],
        *,
        options: Mapping[str, Any] | None = None,
        timed: str | None = None,
    ) -> T:
        """What a step found: read where it was saved before, else made and saved.

        Args:
            name: Of its files.
            kind: Of what it finds.
            make: Makes it; what was stopped meanwhile leaves nothing.
            options: Fields of it that say what it was made with.
            timed: What its seconds are kept under; its name by default, and empty where those of its parts are.

        Raises:
            RunFolderError: Its files are damaged, or it was made with other options.
        """
        saved = self.read(name, kind, options)
        return self.make(name, make, timed=timed) if saved is None else saved

    def read(self, name: str, kind: type[T], options: Mapping[str, Any] | None = None) -> T | None:
        """What a step found; None where it has not ended. See `once`."""
        saved = read_step(self.folder.files, self._path(name), kind)
        if saved is not None and options is not None:
            was = {key: getattr(saved, key) for key in options}
            self._refuse(f"{self.folder.path}/{self._path(name)}.json", changed_options(was, options), "the file")
        return saved

    def make(self, name: str, make: Callable[[], T], *, timed: str | None = None) -> T:
        """Make what a step finds and save it, whatever was there before. See `once`."""
        if timed == "":
            return self._save(name, make())
        with self.folder.stage(timed or name):
            return self._save(name, make())

    def store(self, name: str, make: Callable[[], ActivationStore]) -> ActivationStore:
        """The run's activations: those that are there, if they are whole, else made or continued."""
        if (store := whole_store(self.folder.path)) is not None:
            store.verify()
            return store
        with self.folder.stage(name):
            return make()

    def check_options(self, options: Mapping[str, Any], to_delete: str) -> None:
        """Check that the steps were made with the same options.

        Args:
            options: As plain values.
            to_delete: What would have to be deleted to start again.

        Raises:
            RunFolderError: Other ones were kept there.
        """
        # An option that an earlier version did not know is none that was changed.
        changed = changed_options(self.folder.load(self._path(OPTIONS)) or {}, options)
        where = f"{self.folder.path}/{self.place}"
        self._refuse(f"{self.place} in {where}", changed, to_delete)

    def keep_options(self, options: Mapping[str, Any]) -> None:
        """Write down the options that the steps are made with."""
        self.folder.save(self._path(OPTIONS), options)

    def _refuse(self, subject: str, changed: list[str], to_delete: str) -> None:
        if changed:
            raise RunFolderError(
                subject,
                expected="the options that they were begun with",
                got=f"others: {'; '.join(changed)}",
                remedy=f"use those, or delete {to_delete} to start again",
            )

    def _path(self, name: str) -> str:
        return f"{self.place}/{name}" if self.place else name

    def _save(self, name: str, made: T) -> T:
        if isinstance(made, Outcome):
            made.archive().save(self.folder.files, self._path(name))
            return made
        record = self.folder.save(f"{self._path(name)}.json", to_json(made))
        if not hasattr(made, CONTENT_HASH):
            return made
        marks = {key: record.get(key) for key in (STUDY_HASH, CONTENT_HASH)}
        marked: T = replace(made, **marks)  # type: ignore[type-var]
        return marked


def read_step(files: Folder, name: str, kind: type[T]) -> T | None:
    """What a step of a run folder found; None where it has not ended.

    Raises:
        RunFolderError: Its files are damaged.
    """
    if issubclass(kind, Outcome):
        return load_outcome(files, name, kind) if files.exists(f"{name}.json") else None
    record = read_result(files, f"{name}.json")
    return None if record is None else from_json(kind, record, f"{files.url}/{name}.json")
