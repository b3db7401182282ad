"""The tasks that are made from source code, by name; apart from what makes them, so that help loads no parser."""

from typing import NamedTuple


class Corpus(NamedTuple):
    """A task that can be made from functions.

    Attributes:
        task: The kind of task that it is an instance of.
        description: In words.
    """

    task: str
    description: str


CORPORA: dict[str, Corpus] = {
    "wrong-operator": Corpus(
        "defect-detection", "functions of which half have one binary operator replaced by another of its kind"
    ),
    "swapped-operand": Corpus(
        "defect-detection", "functions of which half have the two operands of one operation swapped"
    ),
    "variable-misuse": Corpus(
        "defect-detection", "functions of which half use another of their variables in one place"
    ),
    "docstring-match": Corpus("code-search", "descriptions with functions: half with the one that they describe"),
    "renamed-clone": Corpus(
        "clone-detection", "functions with rewritten copies: half with a copy of the same function"
    ),
}
