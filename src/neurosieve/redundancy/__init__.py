"""Layer curves, correlation clusters, the smallest neuron sets, the pipeline LS + CC + LCA, and their controls."""

from lazy_loader import attach_stub

from neurosieve.callable_package import make_callable

__getattr__, __dir__, __all__ = attach_stub(__name__, __file__)
make_callable(__name__)
