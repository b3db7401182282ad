"""The programming languages whose grammar comes with the package, by file ending."""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

import tree_sitter

from neurosieve.errors import DataError, unknown_name


@dataclass(frozen=True)
class Language:
    """A language: its name, the module of its grammar wheel, and the endings of its source files."""

    name: str
    module: str
    endings: tuple[str, ...]


LANGUAGES: dict[str, Language] = {
    language.name: language
    for language in (
        Language("python", "tree_sitter_python", (".py",)),
        Language("java", "tree_sitter_java", (".java",)),
        Language("c", "tree_sitter_c", (".c", ".h")),
        Language("cpp", "tree_sitter_cpp", (".cc", ".cpp", ".cxx", ".hpp", ".hh", ".hxx")),
        Language("javascript", "tree_sitter_javascript", (".js", ".mjs", ".cjs", ".jsx")),
        Language("go", "tree_sitter_go", (".go",)),
        Language("rust", "tree_sitter_rust", (".rs",)),
    )
}
_BY_ENDING = {ending: language.name for language in LANGUAGES.values() for ending in language.endings}
PATIENCE = 60.0  # seconds for one text; whole files of ordinary code take less than one
_CHUNK = 2**16
_PACKAGES = {"node_modules", "site-packages", "dist-packages", "__pycache__"}
_FOREIGN_NOTE = "source files left out: hidden, or of packages or virtual environments"


def language_of(name: str) -> str | None:
    """The language of a source file by its ending (`.gz` after it is ignored); None if it is not known."""
    return _BY_ENDING.get(Path(name.removesuffix(".gz")).suffix.lower())


class Sources(NamedTuple):
    """Source files below a folder.

    Attributes:
        files: Those of the project itself, in a fixed order.
        foreign: How many others there are: hidden ones, and those of packages and virtual environments.
    """

    files: list[Path]
    foreign: int

    @property
    def notes(self) -> dict[str, int]:
        """Of those that are left out."""
        return {_FOREIGN_NOTE: self.foreign} if self.foreign else {}


def find_sources(folder: Path, languages: Iterable[str] = tuple(LANGUAGES)) -> Sources:
    """All source files below a folder in some languages."""
    wanted = set(languages)
    paths = sorted(p for p in folder.rglob("*") if p.is_file() and language_of(p.name) in wanted)
    environments = {p.parent for p in folder.rglob("pyvenv.cfg")} - {folder}
    kept = [p for p in paths if not _is_foreign(p.relative_to(folder)) and environments.isdisjoint(p.parents)]
    return Sources(kept, len(paths) - len(kept))


def _is_foreign(path: Path) -> bool:
    """Hidden (also what macOS keeps of a file in `._NAME`), or put there by a package manager or an interpreter."""
    return any(part.startswith(".") or part in _PACKAGES for part in path.parts)


@cache
def grammar(language: str) -> tree_sitter.Language:
    """The grammar of a language.

    Raises:
        ConfigError: No such language.
        DataError: Its wheel is not installed (names it).
    """
    if language not in LANGUAGES:
        raise unknown_name("language", language, LANGUAGES)
    module = LANGUAGES[language].module
    try:
        return tree_sitter.Language(import_module(module).language())
    except ImportError as e:
        raise DataError(
            f"grammar of {language}",
            expected=f"the module {module}",
            got="none",
            remedy=f"pip install {module.replace('_', '-')}",
        ) from e


def parse(text: str, language: str) -> tuple[tree_sitter.Tree, bytes]:
    """The syntax tree of a text, and the bytes that its nodes count.

    Raises:
        DataError: Text that no grammar is made for, such as brackets without end, can take hours: it is given up.
    """
    data, end = text.encode("utf-8"), time.thread_time() + PATIENCE
    try:
        tree = tree_sitter.Parser(grammar(language)).parse(
            lambda place, _: data[place : place + _CHUNK],
            progress_callback=lambda _, __: time.thread_time() > end,
        )
    except ValueError as e:
        raise DataError(
            f"{language} code that begins with {text[:40]!r}",
            expected=f"code that is parsed in {PATIENCE:g} s of processor time",
            got="more",
            remedy="leave it out, or name another language",
        ) from e
    return tree, data
