"""A name or folder → `CodeModel`; all knowledge of families is in `adapters`."""

from lazy_loader import attach_stub

__getattr__, __dir__, __all__ = attach_stub(__name__, __file__)
