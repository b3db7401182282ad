"""Rows × neurons + labels → converged elastic-net softmax probes; metrics with intervals; baselines."""

from lazy_loader import attach_stub

__getattr__, __dir__, __all__ = attach_stub(__name__, __file__)
