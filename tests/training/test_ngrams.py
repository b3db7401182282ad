"""The count-based baselines against plain slow versions of them."""

from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np
import pytest
from training.ngrams import LEFT, TWO_SIDED, KneserNey, longest_context

VOCABULARY, ORDER = 7, 4
Gram = tuple[int, ...]


def stream(seed: int, size: int) -> list[int]:
    draw = np.random.default_rng(seed)
    steps = draw.choice([1, 1, 1, 2, 5], size)
    return [int(v) for v in np.cumsum(steps) % VOCABULARY]


def plain_guess(train: list[int], text: list[int], at: int, hidden: set[int], contexts: Sequence[Gram]) -> int:
    for context in contexts:
        if any(at + o in hidden for o in context):
            continue
        found = dict.fromkeys(train, 0)
        for i in range(len(train)):
            places = [i + o for o in context]
            if min(places) >= 0 and max(places) < len(train):
                found[train[i]] += all(train[p] == text[at + o] for p, o in zip(places, context, strict=True))
        if max(found.values()):
            return min(found, key=lambda t: (-found[t], t))
    whole = Counter(train)
    return min(whole, key=lambda t: (-whole[t], t))


@pytest.mark.parametrize("contexts", [TWO_SIDED, LEFT])
def test_longest_context_agrees_with_a_plain_search(contexts: Sequence[Gram]) -> None:
    train, text = stream(0, 150), stream(1, 60)
    hidden = {5, 9, 10, 20, 21, 22, 23, 30}
    positions = np.arange(4, 56)
    flags = np.array([i in hidden for i in range(60)])
    found = longest_context(np.array(train, np.uint16), np.array(text, np.uint16), positions, flags, contexts)
    assert found.tolist() == [plain_guess(train, text, int(p), hidden, contexts) for p in positions]


class Plain:
    """Interpolated Kneser-Ney as in the textbook, with dictionaries."""

    def __init__(self, train: list[int]) -> None:
        grams = {n: Counter(tuple(train[i : i + n]) for i in range(len(train) - n + 1)) for n in range(1, ORDER + 1)}
        self.counts: dict[int, dict[Gram, int]] = {ORDER: dict(grams[ORDER])}
        for n in range(1, ORDER):
            before: dict[Gram, set[int]] = defaultdict(set)
            for gram in grams[n + 1]:
                before[gram[1:]].add(gram[0])
            self.counts[n] = {gram: len(kinds) for gram, kinds in before.items()}

    def probability(self, context: Gram, token: int) -> float:
        n = len(context) + 1
        lower = self.probability(context[1:], token) if context else 1 / VOCABULARY
        counts = self.counts[n]
        ones, twos = (sum(c == k for c in counts.values()) for k in (1, 2))
        discount = ones / (ones + 2 * twos) if ones else 0.5
        follow = {gram[-1]: c for gram, c in counts.items() if gram[:-1] == context}
        if not follow:
            return lower
        share = discount * len(follow) * lower
        return (max(follow.get(token, 0) - discount, 0) + share) / sum(follow.values())


def test_kneser_ney_agrees_with_the_textbook() -> None:
    train, text = stream(2, 400), stream(3, 80)
    plain, fast = Plain(train), KneserNey(np.array(train, np.uint16), order=ORDER, vocabulary=VOCABULARY)
    positions = np.arange(ORDER - 1, 80)
    found = fast.probabilities(np.array(text, np.uint16), positions)
    expected = [plain.probability(tuple(text[p - ORDER + 1 : p]), text[p]) for p in positions]
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_probabilities_sum_to_one() -> None:
    model = KneserNey(np.array(stream(4, 300), np.uint16), order=ORDER, vocabulary=VOCABULARY + 2)
    for context in ([0, 1, 2], [8, 8, 8], [3, 3, 3]):
        text = np.array([[*context, token] for token in range(VOCABULARY + 2)], np.uint16).ravel()
        total = model.probabilities(text, np.arange(3, text.size, 4)).sum()
        assert total == pytest.approx(1.0, abs=1e-12)
