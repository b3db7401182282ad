"""Edits in the live model: ablate, clamp, scale, steer, patch and erase, with random sets and erasers as controls."""

from lazy_loader import attach_stub

__getattr__, __dir__, __all__ = attach_stub(__name__, __file__)
