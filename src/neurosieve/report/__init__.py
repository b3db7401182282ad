"""Results that show themselves: tables, figures and one page, pure functions of a result.

Terminal, report, notebook (and whatever comes later) draw from the same functions. plotly draws the figures: it runs
offline from one script, which is most of the page's 5 MB; that is the price of figures that can be read off and zoomed.
"""

from neurosieve.report.drawing import Chart
from neurosieve.report.figures import CHARTS
from neurosieve.report.page import render_page
from neurosieve.report.tables import Table

__all__ = ["CHARTS", "Chart", "Table", "render_page"]
