"""The programming languages whose grammar comes with the package, by file ending."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path

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


def language_of(name: str) -> str | None:
    """The language of a source file by its ending (`.gz` behind it is ignored); None where it is not known."""
    return _BY_ENDING.get(Path(name.removesuffix(".gz")).suffix.lower())


def find_sources(folder: Path, languages: Iterable[str] = tuple(LANGUAGES)) -> list[Path]:
    """All source files below a folder in some languages, in a fixed order."""
    wanted = set(languages)
    return sorted(p for p in folder.rglob("*") if p.is_file() and language_of(p.name) in wanted)


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
    """The syntax tree of a text, and the bytes that its nodes count."""
    data = text.encode("utf-8")
    return tree_sitter.Parser(grammar(language)).parse(data), data
