"""Measurements, run by `make bench`. Nothing here is a test: the figures are for reading and comparing."""
