"""A run with modules that tests share."""

from pathlib import Path

from neurosieve.studies.module_options import ModuleOptions
from neurosieve.studies.modules.run import FoundModules, find_modules
from tests.shared import HOME, once
from tests.studies import copy_run

OPTIONS = {"delta": 0.1, "select": "point", "draws": 2}


@once
def run_with_modules() -> Path:
    """The quick run with its modules; not to be changed."""
    folder = HOME / "modules"
    folder.mkdir(parents=True)
    run = copy_run(folder)
    find_modules(run, ModuleOptions.model_validate(OPTIONS))
    return run


def found_modules() -> FoundModules:
    """What was found there."""
    return find_modules(run_with_modules())
