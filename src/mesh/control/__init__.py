"""Keeps Envoy at what the store says, and the objects' conditions at what Envoy says."""
