"""From a run with ranked neurons to one module a label: fitted, measured on test, changed, written as models."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from neurosieve.results.modules import ModuleChange, ModuleFolder, ModulesResult
from neurosieve.storage.folder import Folder
from neurosieve.storage.sole_writer import sole_writer
from neurosieve.studies.finished import write_report
from neurosieve.studies.module_options import ModuleOptions
from neurosieve.studies.modules.changes import AskedChange, Changed, change
from neurosieve.studies.modules.fitted_modules import FITTED, FittedModules, fit_modules
from neurosieve.studies.modules.module_folder import write_modules
from neurosieve.studies.modules.module_work import ModuleWork
from neurosieve.studies.modules.opened_modules import measure
from neurosieve.studies.run_folder import MODULES, SUMMARY
from neurosieve.typing import PathLike


@dataclass(frozen=True)
class FoundModules:
    """Modules of a run, what was changed of them, and the folder that they were written into."""

    result: ModulesResult
    changes: tuple[ModuleChange, ...]
    folder: ModuleFolder | None


def find_modules(
    run: PathLike,
    options: ModuleOptions | None = None,
    changes: Sequence[AskedChange] = (),
    out: PathLike | None = None,
) -> FoundModules:
    """Find the modules of a run, or read them where they were found; change them one after the other.

    Args:
        run: The run folder.
        options: How modules are sought.
        changes: In their order; each is kept in the run, and its modules stay as they are.
        out: Folder of compact models, one a module as they are after all changes; new or empty.

    Raises:
        RunFolderError: A run whose neurons are not ranked, other options than before; something in `out`.
        DataError: Labels of which there are no modules.
        NeurosieveError: See `change` and `write_modules`.
    """
    with sole_writer(run):
        return _find(run, options or ModuleOptions(), changes, out)


def _find(run: PathLike, options: ModuleOptions, changes: Sequence[AskedChange], out: PathLike | None) -> FoundModules:
    work = ModuleWork.of(run)
    rule = work.rule(options)
    asked = options.model_dump(exclude_unset=True)
    fitted = work.steps.once(FITTED, FittedModules, lambda: fit_modules(work, rule), options=asked, timed="modules")
    rule = replace(rule, delta=fitted.delta, select=fitted.select, draws=fitted.draws)
    result = work.whole.once(MODULES, ModulesResult, lambda: measure(work, fitted, rule), timed="modules: test")
    modules, measured = tuple(one.module for one in fitted.modules), []
    for one in changes:
        changed = change(work, modules, one, rule)
        work.changes.make(one.file, partial(_found, changed), timed="")
        modules = changed.modules
        measured.append(changed.measured)
    folder = None if out is None else write_modules(work, modules, out)
    if Folder(run).exists(SUMMARY):
        write_report(run)
    return FoundModules(result, tuple(measured), folder)


def _found(changed: Changed) -> ModuleChange:
    return changed.measured
