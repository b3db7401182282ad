"""`python -m neurosieve` is the command line."""

from neurosieve.cli import main

main()
