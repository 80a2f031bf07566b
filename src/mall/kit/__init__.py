"""Shared by every service of the mall: server, client, context propagation, errors, logs, health, settings."""
