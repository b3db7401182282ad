"""Latent concepts of layers: clusters of tokens, what they agree with, sheets to annotate them."""
