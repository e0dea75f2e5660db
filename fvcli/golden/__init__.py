"""Goldens: accepted runs that later runs are compared with."""
