"""What a concept neuron has to beat: guesses of a property from things that need no model.

Four rivals, each the share of train rows with the value among those of the same key, shrunk by one row towards the
value's share of all; a key that train does not have gets that share.

    position    the place in the line (steps of four characters) and the fifth of the file
    length      characters of the token
    frequency   how often its text stands in train, in powers of two
    lookup      its text

In the view `predict` the token itself is hidden, and the last three are those of the token before it.
"""

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence

import numpy as np
from jaxtyping import Float, Int
from sklearn.metrics import average_precision_score

from neurosieve.concepts.rows import ConceptStore
from neurosieve.typing import Split

RIVALS = ("position", "length", "frequency", "lookup")
_LONGEST, _COLUMN, _STEP = 30, 80, 4


def rival_precision(store: ConceptStore) -> dict[str, dict[str, Float[np.ndarray, " values"]]]:
    """Average precision on test of each rival, fitted on train: by rival, then by property, in its order of values.

    A value without rows in test, or that all rows have, is nan.
    """
    keys = {split: _keys(store, split) for split in ("train", "test")}
    found: dict[str, dict[str, np.ndarray]] = {}
    for rival in RIVALS:
        number = {key: i for i, key in enumerate(dict.fromkeys(keys["train"][rival]))}
        train, test = (np.array([number.get(key, -1) for key in keys[split][rival]]) for split in ("train", "test"))
        found[rival] = {
            name: _precision(train, store.codes(name, "train"), test, store.codes(name, "test"), len(values))
            for name, values in store.table.values.items()
        }
    return found


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


def _precision(
    key: np.ndarray, code: np.ndarray, asked: np.ndarray, truth: np.ndarray, values: int
) -> Float[np.ndarray, " values"]:
    guess = shares(key, code, asked, values)
    result = np.full(values, np.nan)
    for v in range(values):
        positive = truth == v
        if 0 < positive.sum() < len(positive):
            result[v] = average_precision_score(positive, guess[:, v])
    return result


def _keys(store: ConceptStore, split: Split) -> Mapping[str, Sequence[Hashable]]:
    """The rivals' keys of each row of a split, in the order of the store."""
    table, examples = store.table, store.rows.dataset.examples
    numbers = store.numbers(split)
    shown = numbers if store.view == "detect" else numbers - 1
    inside = (shown >= 0) & (table.example[shown] == table.example[numbers])  # none before the first of a text
    texts = [store.text(int(row)) if ok else "" for row, ok in zip(shown, inside, strict=True)]
    train = store.texts("train")
    count = Counter(train)
    position = []
    for row in numbers.tolist():
        text, start = examples[int(table.example[row])].text, int(table.start[row])
        column = start - text.rfind("\n", 0, start) - 1
        position.append((min(column, _COLUMN) // _STEP, min(5 * start // max(len(text), 1), 4)))
    return {
        "position": position,
        "length": [min(len(t), _LONGEST) for t in texts],
        "frequency": [count[t].bit_length() for t in texts],
        "lookup": texts,
    }
