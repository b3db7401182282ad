"""The page of the layout: its drawing is made from the imports, and the functions that it names exist."""

import importlib
import re
from xml.etree import ElementTree

import pytest
from docs.hooks.rooms import MARK, RANK, direct, drawing, imports, on_page_markdown

from tests.docs import DOCS, read

WAYS = re.findall(r"^\| [^|]+ \| `(neurosieve[\w.]+)` \|$", read(DOCS / "architecture.md"), re.MULTILINE)


@pytest.mark.parametrize("name", WAYS)
def test_a_step_is_a_function_of_that_module(name: str) -> None:
    module, _, function = name.rpartition(".")
    found = getattr(importlib.import_module(module), function)
    assert found.__module__ == module
    assert callable(found)


def test_each_way_takes_twelve_steps_or_fewer() -> None:
    parts = read(DOCS / "architecture.md").split("\n## ")[1:]
    assert [3, *(part.count("| `neurosieve.") for part in parts)] == [3, 11, 10, 9]


def test_drawing_has_every_room_and_only_real_imports() -> None:
    page = on_page_markdown(read(DOCS / "architecture.md"))
    assert MARK not in page
    assert drawing() in page
    shown = [text.text for text in ElementTree.fromstring(drawing()).iter("text")]
    assert sorted(map(str, shown)) == sorted(set(RANK) - {"", "__main__"})
    assert "probes" in imports()["rankings"]
    assert "data" in imports()["rankings"] | imports()["probes"]


def test_a_line_that_follows_from_others_is_left_out() -> None:
    assert direct({"a": set(), "b": {"a"}, "c": {"a", "b"}}) == {"a": set(), "b": {"a"}, "c": {"b"}}
