"""`neurosieve concepts`: which neurons hold which properties of code."""
