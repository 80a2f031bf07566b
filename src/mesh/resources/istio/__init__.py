"""Istio's kinds: networking.istio.io and security.istio.io."""
