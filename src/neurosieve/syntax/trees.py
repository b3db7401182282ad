"""Walks over syntax trees that take each step in constant time: a node finds its parent by a search from the root."""

from collections.abc import Iterator
from typing import cast

from tree_sitter import Node, TreeCursor


def all_nodes(root: Node) -> Iterator[Node]:
    """A tree's nodes, from the outside in."""
    cursor = root.walk()
    while True:
        yield standing(cursor)
        if cursor.goto_first_child():
            continue
        while not cursor.goto_next_sibling():
            if not cursor.goto_parent():
                return


def standing(cursor: TreeCursor) -> Node:
    """The node that a cursor stands on; there always is one, which its type does not say."""
    return cast("Node", cursor.node)
