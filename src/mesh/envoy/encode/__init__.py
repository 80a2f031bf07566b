"""A snapshot's values as Envoy's messages, one feature a file."""
