"""Rows × neurons, label-free: streamed moments → CKA between layers, correlation clusters; which neurons are alive."""

from lazy_loader import attach_stub

__getattr__, __dir__, __all__ = attach_stub(__name__, __file__)
