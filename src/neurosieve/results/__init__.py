"""What studies found, as frozen records: read from a run folder and shown by the report, the terminal and notebooks."""

from lazy_loader import attach_stub

__getattr__, __dir__, __all__ = attach_stub(__name__, __file__)
