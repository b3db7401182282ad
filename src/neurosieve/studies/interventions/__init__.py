"""`neurosieve intervene`: an edit of the live model, with its controls."""
