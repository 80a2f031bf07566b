"""Runs the Gateway API's conformance suite, unmodified, against a fresh mesh: `make conformance`."""
