"""What a score has to be compared with: the majority class, a table of the tokens' own text, token counts."""

from collections import Counter, defaultdict
from typing import Any

import numpy as np
from jaxtyping import Bool, Int, Num
from scipy.sparse import csr_array, hstack
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.preprocessing import MaxAbsScaler

from neurosieve.data.dataset import Text, are_values, parts_of

PENALTIES = tuple(float(a) for a in np.geomspace(1e-2, 1e3, 6))


def majority_label(label: Int[np.ndarray, " rows"], classes: int) -> int:
    """The most frequent class of train; the first one among equals."""
    return int(np.bincount(label, minlength=classes).argmax())


def majority_score(train_label: Int[np.ndarray, " train"], label: Int[np.ndarray, " rows"], classes: int) -> float:
    """Accuracy of always guessing the most frequent class of train; of several such classes, the best one.

    Train often has as many rows of each class, so that the first one among equals would be an arbitrary and mostly too
    easy rival where `label` is not balanced.
    """
    train, here = (np.bincount(labels, minlength=classes) for labels in (train_label, label))
    return float(here[train == train.max()].max() / len(label))


def lookup_predictions(
    train_text: np.ndarray, train_label: Int[np.ndarray, " train"], text: np.ndarray, classes: int
) -> Int[np.ndarray, " rows"]:
    """For each text its most frequent class in train, the majority class for texts unseen there."""
    counts: dict[Text, Counter[int]] = defaultdict(Counter)
    for word, label in zip(train_text, train_label, strict=True):
        counts[word][int(label)] += 1
    # Ties by class number, so that the order of rows does not matter.
    table = {word: min(c, key=lambda label: (-c[label], label)) for word, c in counts.items()}
    default = majority_label(train_label, classes)
    return np.array([table.get(word, default) for word in text], dtype=np.int64)


def count_predictions(
    train_text: np.ndarray, train_label: Num[np.ndarray, " train"], text: np.ndarray
) -> Num[np.ndarray, " rows"]:
    """Logistic regression on token counts (words and single marks), what whole examples are compared with.

    Of values ridge regression, its penalty chosen by cross-validation on train.

    The counts a and b of a pair give |a − b| and min(a, b), as neurons give theirs, and the
    share of the words that both have.
    """
    train, x = count_features(train_text, text)
    scaler = MaxAbsScaler().fit(train)
    numeric = are_values(train_label)
    method = _ridge(len(train_label)) if numeric else LogisticRegression(max_iter=2000)
    predicted = method.fit(scaler.transform(train), train_label).predict(scaler.transform(x))
    rows: Num[np.ndarray, " rows"] = predicted.astype(np.float64 if numeric else np.int64)
    return rows


def count_features(train_text: np.ndarray, text: np.ndarray) -> tuple[Any, Any]:
    """Counts of the words and signs of train in its texts and in others, sparse, shape [texts, words] each."""
    counter = CountVectorizer(token_pattern=r"\w+|[^\w\s]", lowercase=False)  # noqa: S106 - no password
    counter.fit([side for whole in train_text for side in parts_of(whole)])
    return _counts(counter, train_text), _counts(counter, text)


def _ridge(rows: int) -> RidgeCV:
    """By squared error: R² has no meaning in a part of one row."""
    return RidgeCV(PENALTIES, cv=min(5, rows), scoring="neg_mean_squared_error")


def _counts(counter: CountVectorizer, text: np.ndarray) -> Any:
    parts = [parts_of(whole) for whole in text]
    a = counter.transform([p[0] for p in parts])
    if len(parts[0]) == 1:
        return a
    b = counter.transform([p[1] for p in parts])
    both = a.minimum(b)
    words = (both > 0).sum(1) / np.maximum(((a + b) > 0).sum(1), 1)
    return hstack([abs(a - b), both, csr_array(np.asarray(words).reshape(-1, 1))]).tocsr()


def unseen(train_text: np.ndarray, text: np.ndarray) -> Bool[np.ndarray, " rows"]:
    """Rows whose exact text is absent from train."""
    known = set(train_text)
    return np.array([word not in known for word in text], dtype=bool)
