"""Results that show themselves: tables, figures and one page, pure functions of a result.

Terminal, report, notebook (and whatever comes later) draw from the same functions. plotly draws the figures: it runs
offline from one script, which is most of the page's 5 MB; that is the price of figures that can be read off and zoomed.
"""

from lazy_loader import attach_stub

from neurosieve.callable_package import make_callable

__getattr__, __dir__, __all__ = attach_stub(__name__, __file__)
make_callable(__name__)
