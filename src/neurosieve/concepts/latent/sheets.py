"""Latent concepts for people to label: tokens by cluster out to files, and their answers back in.

    CodeConceptNet    JSON, an object from each cluster's number to a list: its tokens as {Word, WordID, SentID,
                      TokenID, Context}, and last what was said of it: {Labels, Meaningful, …}
    ConceptX          text, one token a line: word|||wordid|||sentid|||tokenid|||cluster

Both are written cluster by cluster and read back as they were, or refused before a byte is written. In the files that
the published labelling tool makes, `Labels` are suggestions that all annotators saw; what they wrote themselves is
under `Meaningful`, `Lexicographic`, `Syntactic` and `Semantic`.
"""

import codecs
import gzip
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Int

from neurosieve.concepts.latent.alignment import line_around
from neurosieve.concepts.properties import PropertyTable, Target
from neurosieve.data.readers.files import read_text, split_lines
from neurosieve.errors import DataError
from neurosieve.storage.bounded_json import bounded_json
from neurosieve.storage.folder import split_place
from neurosieve.typing import PathLike

MEANINGFUL = ("Yes", "No", "I don't know")
_KEYS = ("Word", "WordID", "SentID", "TokenID", "Context")
_SIGN = "|||"
_DIGITS = 18
_TOGETHER = "read it together with the clusters that it was made from"


class ClusterToken(NamedTuple):
    """A row as annotators see it.

    Attributes:
        word: Its characters.
        word_id: Which of the rows with this word it is, from 1.
        sent_id: Which of the lines with rows contains it, from 0.
        token_id: Which of this line's rows it is, from 0.
        context: The line.
    """

    word: str
    word_id: int
    sent_id: int
    token_id: int
    context: str = ""


Sheet = Mapping[int, Sequence[ClusterToken]]


@dataclass(frozen=True)
class Answer:
    """One annotator's answer about a cluster.

    Attributes:
        meaningful: One of `MEANINGFUL`; None if it was not answered.
        labels: What the cluster is.
        notes: Further fields by name, for example `Syntactic`.
    """

    meaningful: str | None = None
    labels: tuple[str, ...] = ()
    notes: Mapping[str, str] = field(default_factory=dict)

    @property
    def given(self) -> bool:
        """Is there any answer?"""
        return self.meaningful is not None or bool(self.labels or self.notes)

    def field(self, name: str) -> frozenset[str]:
        """`Meaningful`, `Labels` or a note as a set of words, without case and white space."""
        said = {"Meaningful": (self.meaningful or "",), "Labels": self.labels}.get(name, (self.notes.get(name, ""),))
        return frozenset(" ".join(text.split()).casefold() for text in said) - {""}


Answers = Mapping[int, Answer]


def sheet(
    cluster: Int[np.ndarray, " rows"], table: PropertyTable, texts: Sequence[str]
) -> dict[int, list[ClusterToken]]:
    """Rows by cluster, each with its line.

    Args:
        cluster: Of each row, for example `LatentConcepts.cluster`.
        table: Where the rows are; further rows after them are not used.
        texts: What the table was read from.

    Raises:
        DataError: More clusters than rows.
    """
    if len(cluster) > len(table):
        got = f"{len(table)} rows"
        raise DataError("property table", expected=f"{len(cluster)} rows", got=got, remedy="annotate all rows")
    places = np.stack([table.example, table.start, table.end], 1)[: len(cluster)]
    order = np.lexsort((places[:, 1], places[:, 0]))
    words, lines = Counter[str](), dict[tuple[int, int], int]()
    inside = Counter[tuple[int, int]]()
    result = defaultdict[int, list[ClusterToken]](list)
    for own, (example, start, end) in zip(cluster[order].tolist(), places[order].tolist(), strict=True):
        text = texts[example]
        first, last = line_around(text, start, end)
        key = (example, first)
        words[text[start:end]] += 1
        number = lines.setdefault(key, len(lines))
        token = ClusterToken(text[start:end], words[text[start:end]], number, inside[key], text[first:last])
        inside[key] += 1
        result[own].append(token)
    return dict(sorted(result.items()))


def write_conceptnet(path: PathLike, tokens: Sheet, answers: Answers | None = None) -> None:
    """Write tokens by cluster, with answers if there are any, in CodeConceptNet's layout.

    Raises:
        DataError: What could not be read back: no token, a place that two tokens have, half a surrogate pair, an
            unknown answer, or answers for another cluster. Nothing is written then.
        ResourceError: Full disk, or no right to write.
    """
    answers = answers or {}
    _check_sheet(f"{path}", tokens)
    _check_clusters(f"{path}", answers, tokens)
    content = {}
    for cluster, members in tokens.items():
        # The published files hold WordID and TokenID as text, SentID as a number.
        records = [[t.word, str(t.word_id), t.sent_id, str(t.token_id), t.context] for t in members]
        about = _about(answers.get(cluster, Answer()), f"{path}, cluster {cluster}")
        content[str(cluster)] = [dict(zip(_KEYS, record, strict=True)) for record in records] + [about]
    _write(path, json.dumps(content, indent=1, ensure_ascii=False))


def read_conceptnet(
    path: PathLike, tokens: Sheet | None = None
) -> tuple[dict[int, list[ClusterToken]], dict[int, Answer]]:
    """Tokens by cluster, and the answers of one annotator, from a file in CodeConceptNet's layout.

    Args:
        path: Plain or `.gz`.
        tokens: What was given out; tokens that are missing in the file, or answers, are no error.

    Raises:
        DataError: Broken JSON (with its line), a record with missing keys or wrong types (with cluster and number), a
            token twice, or one that is not in its cluster.
    """
    result, answers = dict[int, list[ClusterToken]](), dict[int, Answer]()
    for name, records in _json(path).items():
        where = f"{path}, cluster {name}"
        cluster = _number(name, where, "a cluster's number")
        if not isinstance(records, list) or not records or not all(isinstance(r, dict) for r in records):
            raise DataError(where, expected="a list of records", got=repr(records)[:60], remedy="write token records")
        if set(records[-1]).isdisjoint(_KEYS):
            answer = _answer(records[-1], where)
            records = records[:-1]
            if answer.given:
                answers[cluster] = answer
        result[cluster] = [_token(record, f"{where}, record {i}") for i, record in enumerate(records, start=1)]
    _check_sheet(f"{path}", result)
    _check_known(f"{path}", result, tokens)
    return result, answers


def write_conceptx(path: PathLike, tokens: Sheet) -> None:
    r"""Write tokens by cluster in ConceptX's layout; contexts have no place in it.

    Raises:
        DataError: As `write_conceptnet`, or a word with a line end (\n or \r). Nothing is written then.
        ResourceError: Full disk, or no right to write.
    """
    _check_sheet(f"{path}", tokens)
    lines = []
    for cluster, members in tokens.items():
        for i, t in enumerate(members, start=1):
            if {"\n", "\r"} & set(t.word):
                where, remedy = f"{path}, cluster {cluster}, token {i}", "leave it out, or write JSON"
                raise DataError(where, expected="a word without line ends", got=repr(t.word)[:60], remedy=remedy)
            lines.append(_SIGN.join([t.word, *map(str, (t.word_id, t.sent_id, t.token_id, cluster))]) + "\n")
    _write(path, "".join(lines))


def read_conceptx(path: PathLike, tokens: Sheet | None = None) -> dict[int, list[ClusterToken]]:
    """Tokens by cluster from a file in ConceptX's layout, without contexts; a word may hold the separator.

    Args:
        path: Plain or `.gz`.
        tokens: What was given out.

    Raises:
        DataError: A line without five parts or whose last four are no numbers, a token twice, or one that is not in
            its cluster.
    """
    result = defaultdict[int, list[ClusterToken]](list)
    for number, line in enumerate(split_lines(read_text(Path(path)).text), start=1):
        where = f"{path} line {number}"
        parts = line.rsplit(_SIGN, 4)
        if len(parts) < 5:
            expected = f"word{_SIGN}wordid{_SIGN}sentid{_SIGN}tokenid{_SIGN}cluster"
            raise DataError(where, expected=expected, got=repr(line)[:60], remedy="mend the line")
        word_id, sent_id, token_id, cluster = (_number(p, where, "whole numbers after the word") for p in parts[1:])
        result[cluster].append(ClusterToken(parts[0], word_id, sent_id, token_id))
    _check_sheet(f"{path}", result)
    _check_known(f"{path}", result, tokens)
    return dict(result)


def label_targets(
    cluster: Int[np.ndarray, " rows"], answers: Answers, *, by: str = "Labels", name: str = "annotated"
) -> Iterator[Target]:
    """Each label as a question to rows, like a property value: a row has the labels of its cluster.

    Args:
        cluster: Of each row.
        answers: Of one annotator; clusters that are not meaningful, or have no label, apply to no row.
        by: The field with the labels: `Labels`, or the name of a note.
        name: Of the property.
    """
    labels = {c: said for c, answer in answers.items() if answer.meaningful != "No" and (said := answer.field(by))}
    applies = np.isin(cluster, list(labels))
    for label in sorted(set().union(*labels.values())):
        yield Target(name, label, np.isin(cluster, [c for c, names in labels.items() if label in names]), applies)


def _check_sheet(where: str, tokens: Sheet) -> None:
    """What both layouts need to be read back."""
    places = Counter((t.sent_id, t.token_id) for members in tokens.values() for t in members)
    empty = [c for c, members in tokens.items() if not members]
    if not places or empty:
        got = f"none in cluster {empty[0]}" if empty else "none"
        raise DataError(where, expected="tokens", got=got, remedy="leave clusters without tokens out")
    place, count = places.most_common(1)[0]
    if count > 1:
        subject = f"{where}, SentID {place[0]} TokenID {place[1]}"
        raise DataError(subject, expected="one token", got=str(count), remedy="list each token once")
    ids = [n for c, members in tokens.items() for t in members for n in (c, *t[1:4])]
    if not 0 <= min(ids) <= max(ids) < 10**_DIGITS:
        got = f"{min(ids)} to {max(ids)}"
        raise DataError(f"{where}, numbers", expected="0 or more", got=got, remedy="number tokens from 0")


def _check_clusters(where: str, clusters: Iterable[int], tokens: Sheet) -> None:
    for cluster in clusters:
        if cluster not in tokens:
            expected = f"clusters that were given out ({len(tokens)} of them)"
            raise DataError(f"{where}, cluster {cluster}", expected=expected, got="another", remedy=_TOGETHER)


def _check_known(where: str, tokens_of: Sheet, tokens: Sheet | None) -> None:
    """All that was found was given out; a context may differ."""
    if tokens is None:
        return
    _check_clusters(where, tokens_of, tokens)
    for cluster, in_cluster in tokens_of.items():
        known = {t[:4] for t in tokens[cluster]}
        for i, token in enumerate(in_cluster, start=1):
            if token[:4] not in known:
                subject, got = f"{where}, cluster {cluster}, token {i}", f"{token.word[:40]!r} {token[1:4]}"
                raise DataError(subject, expected="a token of this cluster", got=got, remedy=_TOGETHER)


def _json(path: PathLike) -> dict[str, Any]:
    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        keys = dict(pairs)
        if len(keys) < len(pairs):
            twice = Counter(key for key, _ in pairs).most_common(1)[0][0]
            raise DataError(f"{path}, key {twice!r}", expected="it once", got="it twice", remedy="remove one")
        return keys

    try:
        content = bounded_json(read_text(Path(path)).text, object_pairs_hook=once)
    except ValueError as e:
        at = f" line {e.lineno}" if isinstance(e, json.JSONDecodeError) else ""
        reason = e.msg if isinstance(e, json.JSONDecodeError) else str(e)
        raise DataError(f"{path}{at}", expected="JSON", got=f"none ({reason})", remedy="export it again") from e
    if not isinstance(content, dict) or not content:
        remedy = "write an object from clusters to records"
        raise DataError(f"{path}", expected="clusters", got=repr(content)[:40], remedy=remedy)
    return content


def _token(record: Mapping[str, Any], where: str) -> ClusterToken:
    missing = [key for key in _KEYS if key not in record]
    if missing:
        raise DataError(where, expected=f"keys {', '.join(_KEYS)}", got=f"no {missing[0]}", remedy="add it")
    word, context = record["Word"], record["Context"]
    if not isinstance(word, str) or not isinstance(context, str):
        raise DataError(where, expected="text as Word and Context", got=repr((word, context))[:60], remedy="mend it")
    word_id, sent_id, token_id = (_number(record[key], where, f"a whole number as {key}") for key in _KEYS[1:4])
    return ClusterToken(word, word_id, sent_id, token_id, context)


def _about(answer: Answer, where: str) -> dict[str, Any]:
    """An answer as a record that reads as the same answer."""
    about: dict[str, Any] = {"Labels": list(answer.labels)} | dict(answer.notes)
    if answer.meaningful is not None:
        about["Meaningful"] = answer.meaningful
    reserved = {"Labels", "Meaningful", *_KEYS} & set(answer.notes)
    if reserved:
        got = min(reserved)
        raise DataError(where, expected="notes with other names", got=got, remedy="name them differently")
    _answer(about, where)
    return about


def _answer(record: Mapping[str, Any], where: str) -> Answer:
    labels, meaningful = record.get("Labels", []), record.get("Meaningful")
    notes = {key: value for key, value in record.items() if key not in ("Labels", "Meaningful")}
    for what, wrong in (
        ("a list of texts as Labels", not isinstance(labels, list) or not all(isinstance(x, str) for x in labels)),
        (f"one of {', '.join(MEANINGFUL)} as Meaningful", meaningful not in (None, *MEANINGFUL)),
        ("texts as further answers", not all(isinstance(value, str) for value in notes.values())),
    ):
        if wrong:
            raise DataError(where, expected=what, got=repr(dict(record))[:80], remedy="mend the answer")
    return Answer(meaningful, tuple(labels), notes)


def _number(value: object, where: str, expected: str) -> int:
    text = str(value)
    known = isinstance(value, int | str) and text.isascii() and text.isdecimal() and len(text) <= _DIGITS
    if not known or str(int(text)) != text:
        raise DataError(where, expected=expected, got=repr(value)[:60], remedy="mend it")
    return int(text)


def _write(path: PathLike, text: str) -> None:
    folder, name = split_place(path)
    try:
        data = text.encode("utf-8")
    except UnicodeEncodeError as e:
        around, remedy = repr(text[max(e.start - 20, 0) : e.start + 1]), "mend the text's \\u escapes"
        raise DataError(
            f"{path}", expected="Unicode text", got=f"half a surrogate pair in {around}", remedy=remedy
        ) from e
    if data.startswith(codecs.BOM_UTF8):
        data = codecs.BOM_UTF8 + data  # reading takes one away
    folder.write(name, gzip.compress(data) if name.endswith(".gz") else data)
