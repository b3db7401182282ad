"""One module a label: its own few neurons and a head that tells it from the rest; and what composes of them."""
