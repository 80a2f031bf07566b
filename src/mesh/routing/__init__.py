"""Resources to a route table: what Istio's objects mean, as pure functions."""
