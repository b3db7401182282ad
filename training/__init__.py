"""Makes the two small code models that neurosieve ships; not part of the installed package."""
