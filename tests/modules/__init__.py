"""Modules: one label each."""
