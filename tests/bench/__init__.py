"""Benchmarks of the hot paths: `make bench`. Figures, never assertions."""
