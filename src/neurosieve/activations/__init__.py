"""Model × data set → rows × layers × neurons in a store on disk."""

from lazy_loader import attach_stub

__getattr__, __dir__, __all__ = attach_stub(__name__, __file__)
