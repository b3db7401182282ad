"""Where the training code comes from: the standard library, pinned wheels, and Debian's source packages."""

import email.parser
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import unquote

from neurosieve.data.readers import stdlib
from neurosieve.errors import ResourceError

# Whole packages go to one side. They share few authors and no vendored code with each other.
WHEELS = {
    "celery": "5.5.3",
    "dask": "2025.9.1",
    "distributed": "2025.9.1",
    "django": "5.2.7",
    "docutils": "0.22.2",
    "flask": "3.1.2",
    "jinja2": "3.1.6",
    "mkdocs": "1.6.1",
    "mlflow": "3.4.0",
    "networkx": "3.5",
    "nltk": "3.9.1",
    "pip": "25.2",
    "pytest": "8.4.2",
    "requests": "2.32.5",
    "scrapy": "2.13.3",
    "setuptools": "80.9.0",
    "sphinx": "8.2.3",
    "sqlalchemy": "2.0.43",
    "streamlit": "1.50.0",
    "sympy": "1.14.0",
    "twisted": "25.5.0",
    "werkzeug": "3.1.3",
}
HELD_OUT_WHEELS = {
    "hypothesis": "6.140.3",
    "pyramid": "2.0.2",
    "rich": "14.1.0",
    "trio": "0.31.0",
}
JAVA_PACKAGE = "openjdk-17-source"
HELD_OUT_MODULES = frozenset(
    [
        "java.logging",
        "java.net.http",
        "java.prefs",
        "java.rmi",
        "java.sql",
        "java.sql.rowset",
        "jdk.httpserver",
        "jdk.jshell",
    ]
)
LEFT_OUT_MODULES = {"jdk.localedata"}  # tables of words, written as code
C_PACKAGES = ("binutils-source", "glibc-source", "newlib-source", "xorg-server-source")
HELD_OUT_C_PACKAGES = ("libxcrypt-source", "openvswitch-source")
LICENCES = {
    "binutils-source": "GPL-3.0-or-later",
    "glibc-source": "LGPL-2.1-or-later",
    "libxcrypt-source": "LGPL-2.1-or-later",
    "newlib-source": "BSD-like",
    "openjdk-17-source": "GPL-2.0 with Classpath exception",
    "openvswitch-source": "Apache-2.0",
    "xorg-server-source": "MIT",
}
SUFFIXES = {".py": "python", ".java": "java", ".c": "c", ".h": "c"}


@dataclass(frozen=True)
class Project:
    """A body of code that stands on one side of the split as a whole."""

    name: str
    version: str
    licence: str
    held_out: bool


@dataclass(frozen=True)
class SourceFile:
    """One file of a project."""

    project: Project
    language: str
    path: str
    data: bytes


def all_files(downloads: Path) -> Iterator[SourceFile]:
    """Every source file there is; what is not in the folder yet is downloaded into it."""
    downloads.mkdir(parents=True, exist_ok=True)
    yield from standard_library()
    wheels = WHEELS | HELD_OUT_WHEELS
    _pip_download([f"{name}=={version}" for name, version in wheels.items()], downloads)
    for name, version in wheels.items():
        for wheel in sorted(downloads.glob(f"{name}-{version}-*.whl")):
            yield from wheel_files(wheel, held_out=name in HELD_OUT_WHEELS)
    _apt_download([JAVA_PACKAGE, *C_PACKAGES, *HELD_OUT_C_PACKAGES], downloads)
    for name in (JAVA_PACKAGE, *C_PACKAGES, *HELD_OUT_C_PACKAGES):
        for package in sorted(downloads.glob(f"{name}_*.deb")):
            yield from debian_files(package)


def standard_library() -> Iterator[SourceFile]:
    """The running Python's modules; those that `neurosieve demo` reads are held out."""
    folder = Path(sysconfig.get_path("stdlib"))
    version = sys.version.split()[0]
    train = Project("python-stdlib", version, "PSF-2.0", held_out=False)
    demo = Project("python-stdlib-demo", version, "PSF-2.0", held_out=True)
    shown = {name for names in stdlib.FILES.values() for name in names.split()}
    for path in sorted(folder.rglob("*.py")):
        name = path.relative_to(folder).as_posix()
        if not name.startswith(("site-packages/", "dist-packages/")):
            yield SourceFile(demo if name in shown else train, "python", name, path.read_bytes())


def wheel_files(wheel: Path, *, held_out: bool) -> Iterator[SourceFile]:
    """The Python modules of a wheel."""
    name, version = wheel.name.split("-")[:2]
    licence = "see package"
    members = list(archive_members(wheel))
    for path, data in members:
        if path.endswith(".dist-info/METADATA"):
            fields = email.parser.BytesParser().parsebytes(data, headersonly=True)
            found = fields["License-Expression"] or _classified(fields.get_all("Classifier")) or fields["License"]
            licence = str(found).splitlines()[0] if found else licence
    project = Project(name, version, licence, held_out)
    for path, data in members:
        if path.endswith(".py") and "_vendor" not in path:
            yield SourceFile(project, "python", path, data)


def _classified(classifiers: Iterable[str] | None) -> str:
    found = [c.split(" :: ")[-1] for c in classifiers or () if c.startswith("License ::")]
    return ", ".join(found)


def debian_files(package: Path) -> Iterator[SourceFile]:
    """The Java modules or C sources inside a Debian `-source` package."""
    name, version = unquote(package.name).split("_")[:2]
    with tempfile.TemporaryDirectory() as folder:
        _run("dpkg-deb", ["--extract", str(package), folder], Path(folder))
        for path, data in _nested_members(Path(folder)):
            language = SUFFIXES.get(PurePosixPath(path).suffix)
            if language == ("java" if name == JAVA_PACKAGE else "c") and path.split("/")[0] not in LEFT_OUT_MODULES:
                yield SourceFile(_debian_project(name, version, path), language, path, data)


def _debian_project(name: str, version: str, path: str) -> Project:
    if name != JAVA_PACKAGE:
        return Project(name, version, LICENCES[name], name in HELD_OUT_C_PACKAGES)
    module = path.split("/")[0]
    return Project(module, version, LICENCES[name], module in HELD_OUT_MODULES)


def _nested_members(folder: Path) -> Iterator[tuple[str, bytes]]:
    for path in sorted(p for p in folder.rglob("*") if p.is_file() and not p.is_symlink()):
        if path.suffix in SUFFIXES:
            yield path.relative_to(folder).as_posix(), path.read_bytes()
        elif zipfile.is_zipfile(path) or ".tar" in path.name:
            yield from archive_members(path)


def archive_members(path: Path) -> Iterator[tuple[str, bytes]]:
    """Name and content of each source file and metadata file of a zip or tar archive.

    Raises:
        ResourceError: The archive is damaged.
    """
    wanted = (*SUFFIXES, "/METADATA")
    try:
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                for name in sorted(archive.namelist()):
                    if name.endswith(wanted):
                        yield name, archive.read(name)
            return
        with tarfile.open(path) as tar:
            for member in tar:
                content = tar.extractfile(member) if member.isfile() and member.name.endswith(wanted) else None
                if content is not None:
                    yield member.name, content.read()
    except (tarfile.TarError, zipfile.BadZipFile, EOFError) as error:
        raise ResourceError(
            str(path), expected="a whole archive", got=type(error).__name__, remedy="delete it and start again"
        ) from error


def _pip_download(requirements: list[str], folder: Path) -> None:
    missing = [r for r in requirements if not list(folder.glob(f"{r.replace('==', '-')}-*.whl"))]
    if missing:
        options = ["-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:", "--dest", str(folder)]
        _run(sys.executable, [*options, *missing], folder)


def _apt_download(packages: list[str], folder: Path) -> None:
    missing = [name for name in packages if not list(folder.glob(f"{name}_*.deb"))]
    if missing:
        _run("apt-get", ["--quiet=2", "download", *missing], folder)


def _run(program: str, options: list[str], folder: Path) -> None:
    found = shutil.which(program)
    if found is None:
        raise ResourceError(program, expected="the program", got="none", remedy="gather the corpus on a Debian system")
    result = subprocess.run([found, *options], cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603
    if result.returncode:
        last = (result.stderr.strip().splitlines() or ["no message"])[-1]
        raise ResourceError(
            f"{program} {options[0]}", expected="success", got=last, remedy="see that the package server answers"
        )
