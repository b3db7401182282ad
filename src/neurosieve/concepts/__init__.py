"""Code properties × neurons → the neurons that hold a concept."""
