"""Walks over syntax trees that take each step in constant time: a node finds its parent by a search from the root."""

from collections.abc import Iterator
from typing import cast

from tree_sitter import Node, TreeCursor


def all_nodes(root: Node, least: int = 0) -> Iterator[Node]:
    """A tree's nodes, from the outside in; subtrees of fewer than `least` nodes are given by their root alone."""
    cursor = root.walk()
    while True:
        node = current_node(cursor)
        yield node
        if node.descendant_count >= least and cursor.goto_first_child():
            continue
        while not cursor.goto_next_sibling():
            if not cursor.goto_parent():
                return


def current_node(cursor: TreeCursor) -> Node:
    """The node of a cursor; there is always one, although its type does not say so."""
    return cast("Node", cursor.node)
