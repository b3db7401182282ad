"""Results that show themselves: tables, figures and one page, pure functions of a result.

Terminal, report, notebook (and whatever comes later) draw from the same functions. Figures are values, which vl-convert
draws as SVG, PNG or PDF: a page holds the drawings and no library.
"""

from lazy_loader import attach_stub

from neurosieve.callable_package import make_callable

__getattr__, __dir__, __all__ = attach_stub(__name__, __file__)
make_callable(__name__)
