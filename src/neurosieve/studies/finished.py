"""What a finished run folder holds, read back, and the page of it."""

from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neurosieve.errors import ResourceError, RunFolderError, StoreError
from neurosieve.results import ConceptResult, InterventionResult, RedundancyResult, from_json
from neurosieve.results.export import ExportResult
from neurosieve.results.modules import ModuleChange, ModulesResult
from neurosieve.storage.folder import Folder, split_place
from neurosieve.storage.records import FORMAT, read_object, read_result
from neurosieve.storage.sole_writer import sole_writer
from neurosieve.studies.run_folder import (
    CHANGES,
    CONCEPTS,
    EXPORTS,
    INTERVENTIONS,
    MODULES,
    REPORT,
    STAGES,
    SUMMARY,
    config_of,
    whole_store,
)
from neurosieve.typing import PathLike

if TYPE_CHECKING:
    from neurosieve.report.saved_files import Found


def load_summary(run: PathLike) -> RedundancyResult:
    """What the study of a finished run found.

    Raises:
        RunFolderError: No run folder, or one without results (names the stages that are missing and the command that
            continues), or results that are damaged or of another format version.
    """
    config_of(run)  # says so where this is no run folder
    files = Folder(run)
    record = read_result(files, SUMMARY)
    if record is None:
        if _extracted(run):
            lacking = [*(name for name in STAGES if not files.exists(f"{name}.json")), "summary"]
            command = f"neurosieve redundancy {run}"
        else:
            lacking, command = ["activations", *STAGES, "summary"], f"neurosieve run {run}/study.yaml --out {run}"
        raise RunFolderError(
            f"run folder {run}",
            expected="results (summary.json)",
            got=f"none: {', '.join(lacking)} {'is' if len(lacking) == 1 else 'are'} missing",
            remedy=f"run `{command}`",
        )
    where = f"{run}/{SUMMARY}"
    return from_json(RedundancyResult, _of_format(record, where), where)


def _extracted(run: PathLike) -> bool:
    """Its activations are whole."""
    try:
        return whole_store(run) is not None
    except StoreError as e:  # one kind of error for whatever is missing in a run
        raise RunFolderError(e.subject, expected=e.expected, got=e.got, remedy=e.remedy) from e


def _of_format(record: dict[str, Any], where: str) -> dict[str, Any]:
    if record.get("format") != FORMAT:
        raise RunFolderError(
            where,
            expected=f"format version {FORMAT}",
            got=f"version {record.get('format')}",
            remedy="read it with the version that wrote it, or compute it again in another folder",
        )
    return record


def read_concepts_of(run: PathLike) -> ConceptResult | None:
    """What was found of concepts in a run folder; None where they were not looked for, or not to the end.

    Raises:
        RunFolderError: A file that is damaged or of another format version.
    """
    record, where = read_result(Folder(run), CONCEPTS), f"{run}/{CONCEPTS}"
    return None if record is None else from_json(ConceptResult, _of_format(record, where), where)


def load_interventions(run: PathLike) -> list[InterventionResult]:
    """What interventions of a run measured, by the names of their files.

    Raises:
        RunFolderError: A file that is damaged or of another format version.
    """
    files = Folder(run)
    names = [f"{INTERVENTIONS}/{name}" for name in files.names(INTERVENTIONS) if name.endswith(".json")]
    records = {name: read_result(files, name) for name in names}
    return [from_json(InterventionResult, record, f"{run}/{name}") for name, record in records.items() if record]


def load_exports(run: PathLike) -> dict[str, ExportResult]:
    """What was measured of the models that were exported from a run, by the names that `export_name` gives them.

    Raises:
        RunFolderError: A file that is damaged.
    """
    files = Folder(run)
    names = [name for name in files.names(EXPORTS) if name.endswith(".json")]
    found = {name: read_object(files, f"{EXPORTS}/{name}") for name in names}
    return {
        name.removesuffix(".json"): from_json(ExportResult, record, f"{run}/{EXPORTS}/{name}")
        for name, record in found.items()
        if record
    }


def load_modules(run: PathLike) -> ModulesResult | None:
    """What was found of modules in a run folder; None where they were not sought, or not to the end.

    Raises:
        RunFolderError: A file that is damaged or of another format version.
    """
    record, where = read_result(Folder(run), f"{MODULES}.json"), f"{run}/{MODULES}.json"
    return None if record is None else from_json(ModulesResult, _of_format(record, where), where)


def load_module_changes(run: PathLike) -> tuple[ModuleChange, ...]:
    """What changes of modules did, by the names of their files.

    Raises:
        RunFolderError: A file that is damaged.
    """
    files, folder = Folder(run), f"{MODULES}/{CHANGES}"
    records = {name: read_result(files, f"{folder}/{name}") for name in files.names(folder) if name.endswith(".json")}
    return tuple(from_json(ModuleChange, record, f"{run}/{folder}/{n}") for n, record in records.items() if record)


def report_alone(run: PathLike, to: PathLike | None = None) -> PathLike:
    """As `write_report`; into the run folder only where no other command writes there."""
    config_of(run)
    with nullcontext() if to else sole_writer(run):
        return write_report(run, to)


def write_report(run: PathLike, to: PathLike | None = None) -> PathLike:
    """Write the page of all that a run folder holds (a study, concepts, edits, modules, exports); returns where.

    Raises:
        RunFolderError: None of them, see `load_summary`; or a file that is damaged or of another format version.
        ResourceError: The target cannot be written.
    """
    found = _found(run)
    target = to or f"{run}/{REPORT}"
    folder, name = split_place(target)
    if folder.on_this_machine:
        target = Path(target)
    if isinstance(target, Path) and target.is_dir():
        raise ResourceError(f"report {target}", expected="a file to write", got="a folder", remedy="name a file")
    from neurosieve.report import render_page  # what draws is loaded where something is drawn

    page = render_page(found.summary, Folder(run).name, *found[1:])
    folder.write(name, page.encode())
    return target


def write_figures(run: PathLike, folder: PathLike) -> list[str]:
    """Save every figure of a run as SVG, PNG and PDF in a folder; returns the files.

    Raises:
        RunFolderError: As `write_report`.
        ResourceError: The folder cannot be written.
    """
    from neurosieve.report.saved_files import figure_files

    return _saved(figure_files(_found(run)), folder)


def write_tables(run: PathLike, folder: PathLike) -> list[str]:
    """Save every table of a run as CSV and LaTeX in a folder; returns the files.

    Raises:
        RunFolderError: As `write_report`.
        ResourceError: The folder cannot be written.
    """
    from neurosieve.report.saved_files import table_files

    return _saved(table_files(_found(run)), folder)


def _found(run: PathLike) -> "Found":
    from neurosieve.report.saved_files import Found  # what draws is loaded where something is drawn

    config_of(run)  # says so where this is no run folder
    concepts, interventions = read_concepts_of(run), load_interventions(run)
    alone = (concepts is not None or interventions) and not Folder(run).exists(SUMMARY)
    summary = None if alone else load_summary(run)
    return Found(summary, concepts, interventions, load_exports(run), load_modules(run), load_module_changes(run))


def _saved(files: Mapping[str, bytes], folder: PathLike) -> list[str]:
    target = Folder(folder)
    if target.on_this_machine and Path(folder).is_file():
        raise ResourceError(f"folder {folder}", expected="a folder to write", got="a file", remedy="name a folder")
    for name, content in files.items():
        target.write(name, content)
    return [f"{folder}/{name}" for name in files]
