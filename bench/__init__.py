"""Measures, run by `make bench`. Nothing here is a test: figures are for reading and comparing."""
