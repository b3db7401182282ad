"""`neurosieve modules`: one module a label, what composes of them, and how one is changed without the others."""
