"""Measurements of time and memory; `python -m benchmarks` makes them all."""

from neurosieve.threads import limit_threads

limit_threads()  # as the command does, before torch is loaded
