"""A snapshot to Envoy: the messages, the ADS server and the process."""
