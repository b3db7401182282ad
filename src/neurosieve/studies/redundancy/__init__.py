"""`neurosieve run` and `redundancy`: choose on train and validation, open test once, say how far to trust it."""
