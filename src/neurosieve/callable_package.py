"""Packages that can be called: `neurosieve.concepts(...)` is the verb, `neurosieve.concepts.properties` a module of it.

Verbs have the names of the commands, and three of these are names of packages. A function that hides a package would be
hidden itself as soon as a module of the package is imported; so the package is both.
"""

import sys
from importlib import import_module
from types import ModuleType
from typing import Any

PACKAGES = ("concepts", "redundancy", "report")


class _Verb(ModuleType):
    def __call__(self, *arguments: Any, **options: Any) -> Any:
        verbs = import_module("neurosieve.notebook.verbs")  # by name: a package knows nothing of what uses it
        return getattr(verbs, self.__name__.rpartition(".")[2])(*arguments, **options)


def make_callable(name: str) -> None:
    """Let the package of this name be called: for its own `__init__`."""
    sys.modules[name].__class__ = _Verb
