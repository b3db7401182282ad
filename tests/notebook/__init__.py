"""What notebooks are written with."""
