"""Token tagging from `SPLIT.in` + `SPLIT.label` lines and from `SPLIT.jsonl` with character spans."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from neurosieve.data.dataset import Example, Span
from neurosieve.data.limits import Limits
from neurosieve.data.readers.files import TextFile, digest, group_of, split_lines
from neurosieve.data.readers.json_text import check_unicode, may_be_broken, parse_json
from neurosieve.errors import DataError
from neurosieve.typing import Split


def tagged_lines(code: TextFile, tags: TextFile, split: Split) -> Iterator[Example]:
    """Examples from one line each; tokens are split on the space character only, one tag a token.

    Raises:
        DataError: The files differ in lines, or a line in tokens and tags (named by its number).
    """
    code_lines, tag_lines = split_lines(code.text), split_lines(tags.text)
    if len(code_lines) != len(tag_lines):
        raise DataError(
            f"{tags.path}",
            expected=f"{len(code_lines)} lines as in {code.path.name}",
            got=f"{len(tag_lines)} (first line without partner: {min(len(code_lines), len(tag_lines)) + 1})",
            remedy="make both files line up",
        )
    for number, (line, tag_line) in enumerate(zip(code_lines, tag_lines, strict=True), start=1):
        tokens = line.split(" ") if line else []
        labels = tag_line.split(" ") if tag_line else []
        if len(tokens) != len(labels):
            raise DataError(
                f"{tags.path} line {number}",
                expected=f"{len(tokens)} tags, one for each token of {code.path.name}",
                got=f"{len(labels)}",
                remedy="split tokens and tags on single spaces only",
            )
        bare = [token for token, label in zip(tokens, labels, strict=True) if token and not label]
        if bare:
            raise DataError(
                f"{tags.path} line {number}",
                expected="a tag for each token",
                got=f"none for {bare[0][:40]!r}",
                remedy="split tokens and tags on single spaces only",
            )
        yield Example(f"{split}:{number}", line, _line_spans(tokens, labels), split, digest(line))


def _line_spans(tokens: list[str], labels: list[str]) -> tuple[Span, ...]:
    spans, start = [], 0
    for token, label in zip(tokens, labels, strict=True):
        if token or label:  # else two spaces in a row, or one at the end, in both files
            spans.append(Span(start, start + len(token), label))
        start += len(token) + 1
    return tuple(spans)


def span_records(file: TextFile, split: Split) -> Iterator[Example]:
    """Examples from JSON lines `{"code": str, "spans": [[start, end, "LABEL"], …]}`, optionally with `"group"`.

    Raises:
        DataError: A line that is no such record; a span outside the code or overlapping another.
    """
    for number, line in enumerate(split_lines(file.text), start=1):
        if line.strip():
            where = f"{file.path} line {number}"
            record = _parse(line, where, file.limits)
            text = record["code"]
            group = group_of(record.get("group"), digest(text))
            yield Example(f"{split}:{number}", text, _record_spans(record, text, where), split, group)


def _parse(line: str, where: str, limits: Limits) -> dict[str, Any]:
    form = '{"code": str, "spans": [[start, end, "LABEL"], …]}'
    record = parse_json(line, where, expected=form, limits=limits)
    if not (
        isinstance(record, dict)
        and isinstance(record.get("code"), str)
        and isinstance(record.get("spans"), list)
        and all(_is_span(s) for s in record["spans"])
    ):
        raise DataError(where, expected=form, got=line[:60], remedy="use these keys and types")
    if may_be_broken(line):
        check_unicode(record, where)
    return record


def _is_span(value: object) -> bool:
    return isinstance(value, list) and [type(v) for v in value] == [int, int, str] and bool(value[2].strip())


def _record_spans(record: dict[str, Any], text: str, where: str) -> tuple[Span, ...]:
    spans = sorted(Span(*s) for s in record["spans"])
    for span in spans:
        if not 0 <= span.start <= span.end <= len(text):
            raise DataError(
                f"{where}, span [{span.start}, {span.end}]",
                expected=f"0 ≤ start ≤ end ≤ {len(text)} (characters of the code)",
                got=f"{span.start}, {span.end}",
                remedy="count characters, not bytes",
            )
    for left, right in pairwise(spans):
        if right.start < left.end:
            raise DataError(
                f"{where}, span [{right.start}, {right.end}]",
                expected="spans that do not overlap",
                got=f"an overlap with [{left.start}, {left.end}]",
                remedy="keep one label a character",
            )
    return tuple(spans)
