"""Code properties × neurons → the neurons that hold a concept."""

from lazy_loader import attach_stub

from neurosieve.callable_package import make_callable

__getattr__, __dir__, __all__ = attach_stub(__name__, __file__)
make_callable(__name__)
