"""Canaries: a new version gets more and more of a service's requests, and the former rules come back when it fails."""
