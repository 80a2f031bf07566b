"""Incremental xDS: the ADS server, versioned resources, and the order of changes."""
