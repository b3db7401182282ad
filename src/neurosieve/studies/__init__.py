"""How a capability runs: options and a run folder → a result; one room a command, no maths."""

from lazy_loader import attach_stub

__getattr__, __dir__, __all__ = attach_stub(__name__, __file__)
