"""The smallest neuron sets that keep the accuracy."""

from neurosieve.redundancy.minimal_set import MinimalSet, Select, SetSearch, find_minimal_sets, smallest

__all__ = ["MinimalSet", "Select", "SetSearch", "find_minimal_sets", "smallest"]
