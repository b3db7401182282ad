"""Tokens and contexts that show what a neuron does."""
