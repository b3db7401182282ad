"""Chosen neurons, the part of the network that they need, and a head: a model of its own, in a folder."""

from lazy_loader import attach_stub

__getattr__, __dir__, __all__ = attach_stub(__name__, __file__)
