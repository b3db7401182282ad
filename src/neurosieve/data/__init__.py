"""Files, folders of source and the standard library → labelled code, three splits, rows."""

from lazy_loader import attach_stub

__getattr__, __dir__, __all__ = attach_stub(__name__, __file__)
