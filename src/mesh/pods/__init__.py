"""Deployments as processes: probes, restarts, rolling updates and logs."""
