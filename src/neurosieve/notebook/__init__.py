"""What notebooks and scripts are written with: `run`, `load`, `Study`, and a verb for each command."""
