"""Where the parts of a study run: in this process, in several on this machine, or on a Ray cluster."""
