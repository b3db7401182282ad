"""Labelled code → inputs, checkpoints and a transformers folder."""
