"""Published clusters with labels as a property of the tokens of one's own code: CodeConceptNet and its relatives.

Two published forms are read.

    one file      CodeConceptNet.json (arXiv 2510.00476): tokens with their line by cluster, and the cluster's labels;
                  see `sheets.read_conceptnet`
    a folder      of one layer (ConceptX, arXiv 2206.13289; TransformersConceptNet, arXiv 2305.13386): `clusters*.txt`
                  with lines word|||wordid|||sentid|||tokenid|||cluster; the sentences, `sentences.json` (a list of
                  texts) or `*.in` (one a line); and one more `.json` with labels by cluster (`c7` or `7`), each a
                  text, or an object with `Label`, `label` or `Labels`; the whole may be a list of such objects

A token has the value of the published token at its place, where its line holds a published sentence: the same
characters but for white space. Any other token has the value that most published tokens of its word have, if no other
value has as many: the files are then a lexicon, and no more is known than the word.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, Literal

import numpy as np

from neurosieve.concepts.latent.sheets import Answer, ClusterToken, read_conceptnet, read_conceptx
from neurosieve.concepts.properties import Property, Source
from neurosieve.concepts.properties import tokens as tokens_of
from neurosieve.concepts.rows import ConceptRows
from neurosieve.data.readers.files import read_text, split_lines
from neurosieve.errors import DataError
from neurosieve.storage.bounded_json import bounded_json
from neurosieve.typing import PathLike

NAME = "concept-net"
How = Literal["place", "word", "none"]
_LONGEST = 80  # characters of a label
_LABEL_KEYS = ("Label", "label", "Labels")


@dataclass(frozen=True, eq=False)
class ConceptNet:
    """Published tokens by their value.

    Attributes:
        values: Of each cluster that has one: its first label without case, or `cluster N` if it has none. Clusters
            that were said not to be meaningful have none.
        sentences: Tokens with a value by their line without white space.
        words: The value that most tokens of a word have; none of a word of which two values have as many.
    """

    values: Mapping[int, str]
    sentences: Mapping[str, Sequence[tuple[ClusterToken, str]]]
    words: Mapping[str, str]

    @staticmethod
    def of(tokens: Mapping[int, Sequence[ClusterToken]], answers: Mapping[int, Answer]) -> "ConceptNet":
        """From tokens by cluster, with their sentences as contexts where these are known, and what was said of them."""
        values = {c: v for c in tokens if (v := _value(c, answers.get(c, Answer())))}
        sentences = defaultdict[str, list[tuple[ClusterToken, str]]](list)
        counts = defaultdict[str, Counter[str]](Counter)
        for cluster, value in values.items():
            for token in tokens[cluster]:
                counts[token.word][value] += 1
                if token.context:
                    sentences[_bare(token.context)].append((token, value))
        words = {word: most for word, own in counts.items() if (most := _most(own))}
        return ConceptNet(values, dict(sentences), words)

    def find(self, source: Source, spans: Iterable[tuple[int, int]]) -> Iterator[tuple[str | None, How]]:
        """The value of each token, and what it was found by."""
        placed = dict(self._placed(source))
        for start, end in spans:
            text = source.text[start:end]
            if (start, text) in placed:
                yield placed[start, text], "place"
            elif value := self.words.get(text):
                yield value, "word"
            else:
                yield None, "none"

    def _placed(self, source: Source) -> Iterator[tuple[tuple[int, str], str]]:
        """The values of published tokens in the source's lines, by first character and word."""
        begin = 0
        for line in source.text.split("\n"):
            if line and (published := self.sentences.get(_bare(line))):
                at = [begin + i for i, c in enumerate(line) if not c.isspace()]
                spans = [(a, b) for a, b in tokens_of(source) if begin <= a < begin + len(line)]
                words = [(source.text[a:b], at.index(a)) for a, b in spans]
                for token, value in published:
                    if (place := _place(token, words)) is not None:
                        yield (at[place], token.word), value
            begin += len(line) + 1


def _place(token: ClusterToken, words: Sequence[tuple[str, int]]) -> int | None:
    """How many visible characters are before a token in its sentence; None where that is not certain.

    Its number counts the sentence's words between white space, or else the tokens of the code; where it is neither, the
    only place of the word is taken.
    """
    apart, number = token.context.split(), token.token_id
    if number < len(apart) and apart[number] == token.word:
        return sum(map(len, apart[:number]))
    if number < len(words) and words[number][0] == token.word:
        return words[number][1]
    places = [place for word, place in words if word == token.word]
    return places[0] if len(places) == 1 else None


def concept_net_property(net: ConceptNet) -> Property:
    """The tokens' values as a property."""
    about = "label of the published cluster that the token, or else its word, is in"
    return Property(NAME, "token", about, lambda source, spans: [value for value, _ in net.find(source, spans)])


def matched_note(net: ConceptNet, rows: ConceptRows) -> str:
    """How many tokens have a value, and what they were matched by, in words."""
    found, table = Counter[How](), rows.table
    order = np.argsort(table.example, kind="stable")
    for example, own in groupby(order.tolist(), key=lambda row: int(table.example[row])):
        text, language = rows.dataset.examples[example].text, rows.languages[example]
        spans = [(int(table.start[row]), int(table.end[row])) for row in own]
        found.update(how for _, how in net.find(Source(text, language), spans))
    placed, by_word, none = (found[how] for how in ("place", "word", "none"))
    return (
        f"{NAME}: {placed:,} tokens found by published line and place, {by_word:,} by their word alone, which a table"
        f" of words knows as well; {none:,} have no value"
    )


def read_concept_net(path: PathLike) -> ConceptNet:
    """Published clusters from a file or a folder; see above for the forms.

    Raises:
        DataError: No such file or folder, files that are missing or more than one, a damaged one (with its place), a
            token of a sentence that is not there, labels of other clusters, or no cluster with a value.
    """
    place = Path(path)
    if not place.is_dir():
        tokens, answers = read_conceptnet(path)
    else:
        tokens = _with_sentences(place, read_conceptx(_one(place, "clusters*.txt", "clusters*.txt.gz")))
        answers = _labels(place, tokens)
    net = ConceptNet.of(tokens, answers)
    if not net.values:
        remedy = "take clusters that people found meaningful"
        raise DataError(f"{path}", expected="a meaningful cluster", got="none", remedy=remedy)
    return net


def _one(folder: Path, *patterns: str) -> Path:
    """The file of a name like one of these."""
    found = _files(folder, *patterns)
    if len(found) != 1:
        got = ", ".join(p.name for p in found) or "none"
        remedy = "give a folder of one layer, or a CodeConceptNet file"
        raise DataError(f"{folder}", expected=f"one file {patterns[0]}", got=got, remedy=remedy)
    return found[0]


def _files(folder: Path, *patterns: str) -> list[Path]:
    return sorted({p for pattern in patterns for p in folder.glob(pattern)})


def _with_sentences(folder: Path, tokens: Mapping[int, list[ClusterToken]]) -> dict[int, list[ClusterToken]]:
    """The same with their sentences, if the folder has any."""
    if not _files(folder, "sentences.json", "*.in"):
        return dict(tokens)
    path = _one(folder, "sentences.json", "*.in")
    sentences = _json(path) if path.suffix == ".json" else split_lines(read_text(path).text)
    if not isinstance(sentences, list) or not all(isinstance(s, str) for s in sentences):
        raise DataError(f"{path}", expected="a list of texts", got=repr(sentences)[:60], remedy="write one")
    for cluster, members in tokens.items():
        for token in members:
            if token.sent_id >= len(sentences):
                where = f"{path}, sentence {token.sent_id} of {token.word[:40]!r} in cluster {cluster}"
                got, remedy = f"{len(sentences)} sentences", "take the sentences that the clusters were made from"
                raise DataError(where, expected="a sentence of this number, from 0", got=got, remedy=remedy)
    return {c: [t._replace(context=sentences[t.sent_id]) for t in members] for c, members in tokens.items()}


def _labels(folder: Path, tokens: Mapping[int, Sequence[ClusterToken]]) -> dict[int, Answer]:
    """What the folder's file of labels says of each cluster; nothing without such a file."""
    others = [p for p in _files(folder, "*.json") if p.name != "sentences.json"]
    if not others:
        return {}
    if len(others) > 1:
        got = ", ".join(p.name for p in others)
        raise DataError(f"{folder}", expected="one file of labels", got=got, remedy="leave the others out")
    content, answers = _json(others[0]), dict[int, Answer]()
    for part in content if isinstance(content, list) else [content]:
        if not isinstance(part, dict):
            raise DataError(f"{others[0]}", expected="labels by cluster", got=repr(part)[:60], remedy="write an object")
        for key, said in part.items():
            labels = _texts(said)
            number = str(key).removeprefix("c")
            if labels is None or not (number.isascii() and number.isdecimal()):
                where, expected = (
                    f"{others[0]}, {key[:40]}",
                    f"a cluster's number, and text or an object with {_LABEL_KEYS[0]}",
                )
                raise DataError(where, expected=expected, got=repr(said)[:60], remedy="mend it")
            answers[int(number)] = Answer(labels=labels)
    if answers and not answers.keys() & tokens.keys():
        got = f"labels of {len(answers)} other clusters"
        raise DataError(f"{others[0]}", expected="labels of these clusters", got=got, remedy="take files of one layer")
    return answers


def _texts(said: object) -> tuple[str, ...] | None:
    """One or several labels; None if these are none."""
    if isinstance(said, dict):
        said = next((said[key] for key in _LABEL_KEYS if key in said), None)
    found = [said] if isinstance(said, str) else said
    return tuple(found) if isinstance(found, list) and all(isinstance(text, str) for text in found) else None


def _json(path: Path) -> Any:
    try:
        return bounded_json(read_text(path).text)
    except ValueError as e:
        reason = e.msg if isinstance(e, json.JSONDecodeError) else str(e)
        raise DataError(f"{path}", expected="JSON", got=f"none ({reason})", remedy="export it again") from e


def _value(cluster: int, answer: Answer) -> str | None:
    if answer.meaningful == "No":
        return None
    labels = (" ".join(label.split()).casefold()[:_LONGEST] for label in answer.labels)
    return next((label for label in labels if label), f"cluster {cluster}")


def _most(counts: Counter[str]) -> str | None:
    """The value of most tokens; None of a tie."""
    (first, n), *others = counts.most_common(2)
    return None if others and others[0][1] == n else first


def _bare(line: str) -> str:
    return "".join(line.split())
