"""Tests of the report: figures and tables, the page, the page in a browser, and what commands say."""
