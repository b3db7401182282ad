"""Tasks made from source code alone: what is changed in functions, and what is paired."""
