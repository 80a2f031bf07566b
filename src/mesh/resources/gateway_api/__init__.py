"""The Gateway API's kinds (gateway.networking.k8s.io)."""
