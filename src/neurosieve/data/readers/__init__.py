"""Files → data sets: one module a format, and what they share."""
