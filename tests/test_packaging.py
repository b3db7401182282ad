"""What is written for a release fits the project: versions, classifiers, files that are named, shell scripts."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

import neurosieve

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
SCRIPTS = sorted((ROOT / "packaging").glob("*.sh"))
FORMS = sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml"))
WITHOUT_NAMES = [ROOT / "SECURITY.md", ROOT / "Dockerfile", ROOT / "CITATION.cff", *FORMS, *SCRIPTS]


def text_of(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def test_one_version_everywhere() -> None:
    assert PROJECT["version"] == neurosieve.__version__
    assert yaml.safe_load(text_of("CITATION.cff"))["version"] == neurosieve.__version__
    assert f"copyright: neurosieve {neurosieve.__version__}, {PROJECT['license']}" in text_of("mkdocs.yml")


def test_classifiers_name_the_versions_that_are_promised() -> None:
    named = [
        m[1] for c in PROJECT["classifiers"] if (m := re.fullmatch(r"Programming Language :: Python :: (3\.\d+)", c))
    ]
    assert named == [f"3.{minor}" for minor in range(11, 15)]
    assert PROJECT["requires-python"] == f">={named[0]}"
    assert f"Python {named[0]} to {named[-1]}" in text_of("docs/install.md")


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_script_is_shell_and_stops_at_errors(script: Path) -> None:
    assert subprocess.run(["bash", "-n", str(script)], check=False).returncode == 0
    assert script.stat().st_mode & 0o100
    assert "set -euo pipefail" in script.read_text(encoding="utf-8")


def test_scripts_are_run_by_make() -> None:
    for name in ("wheel", "release", "lowest"):
        assert f"packaging/{name}.sh" in text_of("Makefile").partition(f"\n{name}:")[2].partition("\n\n")[0]


def test_tests_named_for_the_lowest_versions_exist() -> None:
    named = re.findall(r"tests/[\w/.]+", text_of("packaging/lowest.sh"))
    assert named
    assert all((ROOT / name).exists() for name in named)


def test_image_installs_what_make_installs() -> None:
    """The same version of torch, from files that are let into the image, as no one of power."""
    image, allowed = text_of("Dockerfile"), text_of(".dockerignore")
    assert re.findall(r"torch==[\d.]+", image) == re.findall(r"torch==[\d.]+", text_of("Makefile"))[:1]
    copied = [name for line in re.findall(r"^COPY (.+) \S+$", image, re.MULTILINE) for name in line.split()]
    assert copied
    for name in copied:
        assert (ROOT / name).exists()
        assert f"!{name}\n" in allowed
    assert image.index("USER ") < image.index("ENTRYPOINT")
    assert 'CMD ["demo"]' in image


@pytest.mark.parametrize("form", [f for f in FORMS if f.name != "config.yml"], ids=lambda path: path.name)
def test_form_has_what_a_form_needs(form: Path) -> None:
    content = yaml.safe_load(form.read_text(encoding="utf-8"))
    assert {"name", "description", "body"} <= set(content)
    ids = [part["id"] for part in content["body"]]
    assert len(ids) == len(set(ids)) > 0
    assert all(part["attributes"]["label"] for part in content["body"])


@pytest.mark.parametrize("path", WITHOUT_NAMES, ids=lambda path: path.name)
def test_no_person_is_named(path: Path) -> None:
    assert not re.search(r"[\w.]+@[\w-]+\.\w|@[a-z][\w-]+", path.read_text(encoding="utf-8").replace("${pip[@]}", ""))
