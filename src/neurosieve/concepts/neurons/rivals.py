"""What a concept neuron has to beat: guesses of a property from things that need no trained model.

Each rival looks at one thing of a token, its key. Its score of a value is the share of train rows with the value among
those of the same key, shrunk by one row towards the value's share of all; a key that train lacks gets that share.

    column              characters before the token in its line
    token-in-line       tokens before it in its line
    token-in-statement  tokens before it in the innermost statement
    token-in-file       tokens before it in its text
    file-part           the hundredth of its text that it begins in
    length              characters of the token
    frequency           how often its text occurs in train, in powers of two
    lookup              its text
    shape               its first and last character (letters by their case, all digits as one), its digits and its case

In the view `predict` the token itself is hidden, and the last four are those of the token before it.
"""

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
from jaxtyping import Bool, Float, Int
from sklearn.metrics import average_precision_score

from neurosieve.concepts.rows import ConceptStore
from neurosieve.typing import Split

PLACES = ("column", "token-in-line", "token-in-statement", "token-in-file", "file-part")
RIVALS = (*PLACES, "length", "frequency", "lookup", "shape")
_LONGEST, _PARTS = 30, 100


class Guesses(Protocol):
    """What needs no trained model, and guesses the values of rows."""

    @property
    def names(self) -> Sequence[str]:
        """Of the rivals."""

    def scores(self, rival: str, name: str) -> Float[np.ndarray, "test values"]:
        """A rival's score of each value of a property on test, in the order of the store."""


@dataclass(frozen=True)
class Rivals:
    """Rivals fitted on train, and their keys on both splits.

    Attributes:
        store: Of the rows.
        keys: By rival the number of each row's key on train and on test, in the order of the store; −1 on test is a
            key that train does not have.
    """

    store: ConceptStore
    keys: Mapping[str, tuple[Int[np.ndarray, " train"], Int[np.ndarray, " test"]]]

    @staticmethod
    def of(store: ConceptStore) -> "Rivals":
        """Learn the keys of train. Cost: 10 µs a row."""
        places = _places(store)
        keys = {split: _keys(store, split, places) for split in ("train", "test")}
        scores = {}
        for rival in RIVALS:
            number = {key: i for i, key in enumerate(dict.fromkeys(keys["train"][rival]))}
            train, test = (np.array([number.get(k, -1) for k in keys[s][rival]], dtype=np.int64) for s in keys)
            scores[rival] = (train, test)
        return Rivals(store, scores)

    @property
    def names(self) -> Sequence[str]:
        """Of the rivals."""
        return RIVALS

    def scores(self, rival: str, name: str) -> Float[np.ndarray, "test values"]:
        """A rival's score of each value of a property on test, in the order of the store."""
        train, test = self.keys[rival]
        return shares(train, self.store.codes(name, "train"), test, len(self.store.table.values[name]))

    @cached_property
    def precision(self) -> Mapping[str, Mapping[str, Float[np.ndarray, " values"]]]:
        """Average precision on test by rival and property; nan of a value without rows there, or that all have."""
        return {rival: {name: self._precision(rival, name) for name in self.store.table.values} for rival in RIVALS}

    def _precision(self, rival: str, name: str) -> Float[np.ndarray, " values"]:
        guess, truth = self.scores(rival, name), self.store.codes(name, "test")
        result = np.full(guess.shape[1], np.nan)
        for v in range(len(result)):
            positive = truth == v
            if 0 < positive.sum() < len(positive):
                result[v] = average_precision_score(positive, guess[:, v])
        return result

    @property
    def known(self) -> Bool[np.ndarray, " test"]:
        """Test rows for which the table of texts has an entry, in the order of the store."""
        known: Bool[np.ndarray, " test"] = self.keys["lookup"][1] >= 0
        return known


def shares(
    key: Int[np.ndarray, " rows"], code: Int[np.ndarray, " rows"], asked: Int[np.ndarray, " asked"], values: int
) -> Float[np.ndarray, "asked values"]:
    """The shrunk share of each value among the rows of the asked keys; −1 is a key that no row has."""
    has = code >= 0
    keys = int(key.max(initial=-1)) + 1
    hits = np.bincount(key[has] * values + code[has], minlength=keys * values).reshape(keys, values)
    rows = np.bincount(key, minlength=keys)[:, None]
    base = hits.sum(0) / max(len(key), 1)
    table = np.concatenate([(hits + base) / (rows + 1), base[None]])
    result: Float[np.ndarray, "asked values"] = table[asked]
    return result


def shape(text: str) -> tuple[str, str, str, str]:
    """Kind of the first and of the last character, which digits and which case; punctuation is kept as it is."""
    letters = [c for c in text if c.isalpha()]
    digits = sum(c.isdigit() for c in text)
    case = {(True, False): "upper", (False, True): "lower", (True, True): "mixed", (False, False): "none"}
    cases = case[any(c.isupper() for c in letters), any(c.islower() for c in letters)]
    return _kind(text[:1]), _kind(text[-1:]), "all" if 0 < digits == len(text) else "some" if digits else "none", cases


def _kind(character: str) -> str:
    if character.isdigit():
        return "0"
    if character.isalpha():
        return "A" if character.isupper() else "a"
    return character


def _places(store: ConceptStore) -> Mapping[str, Int[np.ndarray, " rows"]]:
    """The place of each row of the table, for all rivals of the place; −1 in the statement if there is none."""
    table = store.table
    places = {name: np.zeros(len(table), dtype=np.int64) for name in PLACES}
    order = np.lexsort((table.start, table.example))
    for rows in np.split(order, np.flatnonzero(np.diff(table.example[order])) + 1) if len(order) else ():
        text, start = store.rows.dataset.examples[int(table.example[rows[0]])].text, table.start[rows]
        begins = np.array([0, *(i + 1 for i, c in enumerate(text) if c == "\n")])
        line = begins[np.searchsorted(begins, start, side="right") - 1]
        number = np.arange(len(rows))
        places["column"][rows] = start - line
        places["token-in-line"][rows] = number - np.searchsorted(start, line)
        places["token-in-file"][rows] = number
        places["file-part"][rows] = _PARTS * start // max(len(text), 1)
        statement = table.statement[rows] if len(table.statement) else np.full(len(rows), -1)
        places["token-in-statement"][rows] = np.where(statement < 0, -1, number - np.searchsorted(start, statement))
    return places


def _keys(
    store: ConceptStore, split: Split, places: Mapping[str, Int[np.ndarray, " rows"]]
) -> Mapping[str, Sequence[Hashable]]:
    """The rivals' keys of each row of a split, in the order of the store."""
    table, numbers = store.table, store.numbers(split)
    shown = numbers if store.view == "detect" else numbers - 1
    inside = (shown >= 0) & (table.example[shown] == table.example[numbers])  # none before the first of a text
    texts = [store.text(int(row)) if ok else "" for row, ok in zip(shown, inside, strict=True)]
    count = Counter(store.texts("train"))
    return {
        **{name: place[numbers].tolist() for name, place in places.items()},
        "length": [min(len(t), _LONGEST) for t in texts],
        "frequency": [count[t].bit_length() for t in texts],
        "lookup": texts,
        "shape": [shape(t) for t in texts],
    }
