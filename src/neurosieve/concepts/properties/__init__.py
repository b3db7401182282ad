"""Properties of code, read from its syntax tree: of tokens and of whole texts."""

from neurosieve.concepts.properties.contract import Bins, Property, column_property
from neurosieve.concepts.properties.of_texts import complexity, nesting
from neurosieve.concepts.properties.parsed import Source, Spans, Unit, tokens
from neurosieve.concepts.properties.queries import query_property
from neurosieve.concepts.properties.registry import PROPERTIES, find_property, register_property, union_property
from neurosieve.concepts.properties.table import PropertyTable, Target, annotate, parse_value

__all__ = [
    "PROPERTIES",
    "Bins",
    "Property",
    "PropertyTable",
    "Source",
    "Spans",
    "Target",
    "Unit",
    "annotate",
    "column_property",
    "complexity",
    "find_property",
    "nesting",
    "parse_value",
    "query_property",
    "register_property",
    "tokens",
    "union_property",
]
