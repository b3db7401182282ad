"""Properties of code, read from its syntax tree: of tokens and of whole texts."""

from lazy_loader import attach_stub

__getattr__, __dir__, __all__ = attach_stub(__name__, __file__)
