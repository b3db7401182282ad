"""Whole texts: which of their properties explain a study's neurons."""
