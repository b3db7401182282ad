"""`neurosieve export` and `verify`: a run's finding as a model that is used without the package's studies."""
