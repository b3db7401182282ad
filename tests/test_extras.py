"""What an extra brings is asked for in one line that names it, and nothing else needs it."""

import importlib.util
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from neurosieve.activations.foreign import formats
from neurosieve.cli.serve import serve
from neurosieve.compact import onnx_network
from neurosieve.engine import ray_actors
from neurosieve.errors import ResourceError
from neurosieve.models import loading
from neurosieve.storage import folder
from neurosieve.studies.config import StudyConfig
from neurosieve.studies.finetune.run import finetune

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
FOR_DEVELOPERS = {"docs", "test"}
# What asks for a package of the extra first, and the packages that it brings.
ASKED: dict[str, tuple[tuple[str, ...], Callable[[], object]]] = {
    "import": (("h5py",), formats._h5py),
    "gguf": (("gguf", "accelerate"), lambda: loading._from("model.gguf")),
    "s3": (("s3fs",), lambda: folder._remote("s3://bucket/run")),
    "onnx": (("onnxruntime",), onnx_network._onnxruntime),
    "ray": (("ray",), ray_actors._ray),
    "serve": (("fastapi", "uvicorn"), lambda: serve([Path("runs/java")])),
    "train": (("accelerate",), lambda: finetune(StudyConfig(model="m", data="d"), Path("out"))),
}


def brings(name: str) -> set[str]:
    return {re.split(r"[\[>=<]", text)[0] for text in EXTRAS[name]}


def test_every_extra_is_asked_for() -> None:
    assert set(ASKED) == set(EXTRAS) - FOR_DEVELOPERS
    for name, (packages, _) in ASKED.items():
        assert set(packages) <= brings(name)


@pytest.mark.parametrize("name", ASKED)
def test_without_it_one_line_says_what_to_install(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    packages, ask = ASKED[name]
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda n, *more: None if n in packages else find(n, *more))
    for package in packages:
        monkeypatch.setitem(sys.modules, package, None)
    for loaded in ("s3fs.core", "neurosieve.explorer.server"):
        monkeypatch.delitem(sys.modules, loaded, raising=False)
    monkeypatch.delitem(vars(sys.modules["fsspec.registry"])["_registry"], "s3", raising=False)
    with pytest.raises(ResourceError) as caught:
        ask()
    assert f'pip install "neurosieve[{name}]"' in str(caught.value)
    assert "\n" not in str(caught.value)


WITHOUT = """
import importlib, pkgutil, sys

for name in %r:
    sys.modules[name] = None
import neurosieve

for module in pkgutil.walk_packages(neurosieve.__path__, "neurosieve."):
    if not module.name.endswith("__main__") and not module.name.startswith("neurosieve.explorer."):  # it is an extra
        importlib.import_module(module.name)
print("all loaded")
"""


def test_every_module_loads_without_extras() -> None:
    """In a process of its own, where none of their packages can be imported."""
    ours = [name for packages, _ in ASKED.values() for name in packages]
    absent = [*ours, "onnx", "onnxscript", "mkdocs", "pytest", "hypothesis"]
    ended = subprocess.run(
        [sys.executable, "-c", WITHOUT % (absent,)], capture_output=True, text=True, check=False, timeout=120
    )
    assert ended.stdout == "all loaded\n", ended.stderr


# A test of what each extra is for.
USED = {
    "import": "tests/activations/foreign/test_importing.py::test_hdf5_and_json_give_the_same_store",
    "gguf": "tests/models/test_families.py::test_gguf_file",
    "s3": "tests/storage/test_s3.py::test_files",
    "onnx": "tests/compact/test_onnx.py::test_it_gives_what_torch_gives",
    "ray": "tests/engine/test_ordered.py::test_an_error_comes_as_it_was[actors]",
    "serve": "tests/explorer/test_safety.py::test_names_of_folders_are_words",
    "train": "tests/studies/finetune/test_finetune.py::test_stops_early",
}
ALONE = """
import sys

for name in %r:
    sys.modules[name] = None
import pytest

sys.exit(pytest.main(["-q", "-p", "no:cacheprovider", "-x", %r]))
"""


@pytest.mark.slow
@pytest.mark.parametrize("name", USED)
def test_each_extra_works_alone(name: str) -> None:
    """Where no package of the others can be imported."""
    assert set(USED) == set(ASKED)
    if lacking := [package for package in sorted(brings(name)) if importlib.util.find_spec(package) is None]:
        pytest.skip(f"not installed: {', '.join(lacking)}")
    others = sorted(set().union(*map(brings, USED)) - brings(name))
    ended = subprocess.run(
        [sys.executable, "-c", ALONE % (others, USED[name])], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert " passed" in ended.stdout
    assert "skipped" not in ended.stdout


def test_extras_are_documented() -> None:
    text = (ROOT / "docs" / "install.md").read_text(encoding="utf-8")
    for name in ASKED:
        assert f"| `{name}` |" in text
