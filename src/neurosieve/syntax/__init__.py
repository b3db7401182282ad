"""Source text → tree → words, roles, functions; knows no labels, splits or models."""
