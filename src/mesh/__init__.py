"""The small mesh: Kubernetes and Istio manifests, run as processes behind a real Envoy on one machine."""
