"""A local server on what runs found: pages of neurons, properties, sets and clusters, and live code."""
