from .drawing import Chart as Chart
from .figures import CHARTS as CHARTS
from .page import render_page as render_page
from .tables import Table as Table
