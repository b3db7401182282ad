"""`neurosieve intervene`: an edit of the live model, beside its controls."""
