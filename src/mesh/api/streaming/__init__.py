"""Streams into pods: exec, attach and port-forward, over WebSocket and SPDY as Kubernetes' clients request them."""
