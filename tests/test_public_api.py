"""The public names: what is documented, nothing else, each with a docstring; loaded when they are asked for."""

import importlib.metadata
import inspect
import pkgutil
import subprocess
import sys
from importlib.resources import files
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import neurosieve
from neurosieve.callable_package import PACKAGES as PACKAGES_THAT_ARE_VERBS
from neurosieve.renamed import NAMES as NAMES_BEFORE
from neurosieve.renamed import RENAMED
from tests.studies import finished_concepts

VERBS = {"run", "load", "plan", "extract", "redundancy", "concepts", "intervene", "finetune", "report", "compare"}
OBJECTS = {"Study", "StudyConfig", "RedundancyResult", "ConceptResult", "InterventionResult"}
OBJECTS |= {"Score", "NeuronId", "NeuronSet"}
BLOCKS = {"load_model", "load_compact", "load_dataset", "live", "Ablate", "Clamp", "Scale", "Steer", "Erase", "Patch"}
BLOCKS |= {"Within"}
REGISTERS = {"register_family", "register_property", "register_ranking"}
ERRORS = {"ConfigError", "DataError", "ModelError", "NeurosieveError", "ResourceError"}
ERRORS |= {"RunFolderError", "SelfCheckError", "StoreError"}
DOCUMENTED = VERBS | OBJECTS | BLOCKS | REGISTERS | ERRORS


NAMES: list[str] = vars(neurosieve)["__all__"]  # of the stub, which has no such name itself


def modules() -> list[ModuleType]:
    found = pkgutil.walk_packages(neurosieve.__path__, "neurosieve.")
    return [neurosieve, *(importlib.import_module(m.name) for m in found if not m.name.endswith("__main__"))]


PACKAGES = [m for m in modules() if hasattr(m, "__all__")]


LAZY = [m for m in PACKAGES if m.__file__ and Path(m.__file__).with_suffix(".pyi").exists()]


@pytest.mark.parametrize("package", LAZY, ids=lambda m: m.__name__)
def test_no_name_is_that_of_a_module(package: ModuleType) -> None:
    """Of a package whose names are loaded late: which of both is found would depend on what was imported before."""
    modules_of_it = {m.name for m in pkgutil.iter_modules(package.__path__)}
    verbs = PACKAGES_THAT_ARE_VERBS if package is neurosieve else ()
    assert modules_of_it & set(vars(package)["__all__"]) <= set(verbs)


def test_names_are_the_documented_ones() -> None:
    assert set(NAMES) == DOCUMENTED


@pytest.mark.parametrize("package", PACKAGES, ids=lambda m: m.__name__)
def test_all_is_sorted_and_importable(package: ModuleType) -> None:
    names = package.__all__
    assert len(names) == len(set(names))
    assert list(names) == sorted(names)
    for name in names:
        assert not name.startswith("_")
        assert hasattr(package, name)


@pytest.mark.parametrize("name", sorted(DOCUMENTED))
def test_name_has_a_docstring(name: str) -> None:
    value = getattr(neurosieve, name)
    assert inspect.getdoc(value)
    if inspect.isclass(value) or inspect.isfunction(value):
        assert value.__doc__
        assert value.__module__.startswith("neurosieve.")
        assert not any(part.startswith("_") for part in value.__module__.split("."))


@pytest.mark.parametrize("name", sorted(DOCUMENTED))
def test_public_methods_have_docstrings(name: str) -> None:
    value = getattr(neurosieve, name)
    for method, _ in inspect.getmembers(value, callable) if inspect.isclass(value) else ():
        if not method.startswith("_") and method in vars(value):
            assert inspect.getdoc(getattr(value, method)), f"{name}.{method}"


def test_errors_are_one_tree() -> None:
    for name in ERRORS:
        assert issubclass(getattr(neurosieve, name), neurosieve.NeurosieveError)
    codes = {name: getattr(neurosieve, name).exit_code for name in ERRORS}
    assert {name for name, code in codes.items() if code == 2} == {"ConfigError"}
    assert set(codes.values()) == {1, 2}


@pytest.mark.parametrize("module", modules(), ids=lambda m: m.__name__)
def test_modules_have_docstrings(module: ModuleType) -> None:
    assert module.__doc__
    assert module.__doc__.strip()


LIGHT = ("neurosieve", "neurosieve.cli.app", "neurosieve.results.codec", "neurosieve.studies.config")


@pytest.mark.parametrize("name", LIGHT)
def test_importing_loads_nothing_that_computes(name: str) -> None:
    """Names come with their modules when they are asked for."""
    heavy = ("torch", "transformers", "scipy.stats", "vl_convert", "sklearn", "pyarrow")
    code = f"import {name}, sys; print(*(m for m in {heavy} if m in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


@pytest.mark.parametrize("arguments", ["--help", "run --help", "tasks"])
def test_help_loads_no_arrays(arguments: str) -> None:
    """What a help text is made of is separate from what computes, so that it comes at once."""
    heavy = ("numpy", "polars", "jaxtyping", "tree_sitter", "scipy", "torch")
    code = f"""
import sys
from neurosieve.cli import main
try:
    main({arguments.split()})
except SystemExit:
    pass
print(*(m for m in {heavy} if m in sys.modules), file=sys.stderr)"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.split() == []


def test_package_is_typed() -> None:
    assert (files(neurosieve) / "py.typed").is_file()


def test_version_is_the_distribution_s() -> None:
    assert neurosieve.__version__ == importlib.metadata.version("neurosieve")


@pytest.mark.parametrize("name", NAMES_BEFORE)
def test_names_of_earlier_releases(name: str) -> None:
    """They are found where they were, with a warning that says where they are now."""
    package: Any = neurosieve  # the stub has none of them
    with pytest.warns(DeprecationWarning, match=rf"neurosieve.{name} is (neurosieve[\w.]*)\.(\w+) now") as caught:
        found = getattr(package, name)
    place = str(caught[0].message).split()[2]
    module, _, new = place.rpartition(".")
    assert caught[0].filename == __file__
    assert found is getattr(importlib.import_module(module), new)
    assert name not in NAMES


def test_other_names_are_unknown() -> None:
    package: Any = neurosieve
    with pytest.raises(AttributeError, match="Nothing"):
        _ = package.Nothing


@pytest.mark.parametrize("name", PACKAGES_THAT_ARE_VERBS)
def test_a_package_can_be_called(name: str) -> None:
    """Whichever comes first, the import of a module or the call: `neurosieve.concepts` is both."""
    package = importlib.import_module(f"neurosieve.{name}")
    assert getattr(neurosieve, name) is package
    assert isinstance(package, ModuleType)
    with pytest.raises(neurosieve.RunFolderError, match="run folder nowhere: expected a"):
        getattr(neurosieve, name)("nowhere")


LOAD = """
import sys, time
begin = time.perf_counter()
import neurosieve as ns
taken = time.perf_counter() - begin
study = ns.load({run!r})
print(study.headline, study.oracle.test, study.trust, study.minimal_sets, study.neuron(0, 1), study.concepts())
study.to_frame("rankings"), study.to_frame("concepts"), study._repr_html_()
print(taken, *(m for m in ("torch", "transformers", "scipy.stats", "sklearn", "pyarrow") if m in sys.modules))
"""


def test_a_run_opens_without_what_computes() -> None:
    run = str(finished_concepts())
    done = subprocess.run([sys.executable, "-c", LOAD.format(run=run)], capture_output=True, text=True, check=True)
    seconds, *heavy = done.stdout.splitlines()[-1].split()
    assert heavy == []
    assert float(seconds) < 5  # 0.1 s; the machine may be busy


@pytest.mark.parametrize("old", RENAMED)
def test_documented_modules_of_earlier_releases(old: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """They warn and hold what they held; a function of the same name can still be called."""
    parent, _, name = old.rpartition(".")
    package = importlib.import_module(parent)
    before = getattr(package, name, None)
    monkeypatch.setattr(package, name, before, raising=False)
    with pytest.warns(DeprecationWarning, match=f"{old} is {RENAMED[old]} now"):
        module = importlib.import_module(old)
    monkeypatch.delitem(sys.modules, old)
    new = importlib.import_module(RENAMED[old])
    assert [
        key for key in vars(new) if key.isidentifier() and not key.startswith("__") and key not in vars(module)
    ] == []
    if before is not None:
        assert vars(module)[name] is before
        assert callable(getattr(package, name))
