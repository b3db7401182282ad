"""What few neurons have to beat where they tell a property of whole texts: regressions on what needs no model.

    length        words and signs, as a curve (`variance.length_features`)
    token-counts  how often each word and sign of train occurs in the text, as log(1 + count)

They are fitted on the train texts of the store: logistic regressions of values, ridge regressions of numbers.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Float
from scipy.sparse import csr_array
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.metrics import average_precision_score
from sklearn.preprocessing import StandardScaler

from neurosieve.concepts.rows import ConceptStore
from neurosieve.concepts.sparse.told import Numbers, truth_of
from neurosieve.concepts.texts.variance import length_features
from neurosieve.probes.baselines import PENALTIES, count_features

LENGTH, COUNTS = "length", "token-counts"


@dataclass(frozen=True, eq=False)
class TextRivals:
    """Rivals on the texts of a store.

    Attributes:
        store: One row a text.
        features: By rival those of train and of test, in the order of the store.
    """

    store: ConceptStore
    features: Mapping[str, tuple[Any, Any]]
    _fitted: dict[tuple[str, str], Float[np.ndarray, "test values"]] = field(default_factory=dict)

    @staticmethod
    def of(store: ConceptStore) -> "TextRivals":
        """Count what the rivals look at. Cost: 50 µs a word and sign."""
        train, test = (np.array(store.texts(split), dtype=object) for split in ("train", "test"))
        lengths = length_features([*train, *test], len(train))
        scaler = StandardScaler().fit(lengths[: len(train)])
        length = scaler.transform(lengths[: len(train)]), scaler.transform(lengths[len(train) :])
        counts = tuple(csr_array(part).log1p() for part in count_features(train, test))
        return TextRivals(store, {LENGTH: length, COUNTS: (counts[0], counts[1])})

    @property
    def names(self) -> Sequence[str]:
        """Of the rivals."""
        return tuple(self.features)

    def scores(self, rival: str, name: str) -> Float[np.ndarray, "test values"]:
        """A rival's probability of each value of a property on test, in the order of the store."""
        key = rival, name
        if key not in self._fitted:
            self._fitted[key] = self._probabilities(rival, name)
        return self._fitted[key]

    def _probabilities(self, rival: str, name: str) -> Float[np.ndarray, "test values"]:
        train, test = self.features[rival]
        codes = self.store.codes(name, "train")
        result = np.zeros((test.shape[0], len(self.store.table.values[name])))
        model = LogisticRegression(max_iter=2000).fit(train, codes)
        for column, code in zip(model.predict_proba(test).T, model.classes_, strict=True):
            if code >= 0:  # others are texts that the property does not apply to
                result[:, code] = column
        return result

    def precision(self, name: str, value: int) -> dict[str, float | None]:
        """Average precision of each rival for a value on test."""
        positive = self.store.codes(name, "test") == value
        scores = {rival: self.scores(rival, name)[:, value] for rival in self.names}
        return {rival: float(average_precision_score(positive, guess)) for rival, guess in scores.items()}

    def numbers(self, numbers: Numbers) -> dict[str, Float[np.ndarray, "numbers test"]]:
        """Each rival's guesses of the numbers on test, the penalty chosen for each by leave-one-out error on train."""
        truth = truth_of(self.store, "train", numbers).T
        guessed = dict[str, np.ndarray]()
        for rival, (train, test) in self.features.items():
            model = RidgeCV(PENALTIES, alpha_per_target=True).fit(train, truth)
            guessed[rival] = np.asarray(model.predict(test)).reshape(-1, len(numbers.names)).T
        return guessed
