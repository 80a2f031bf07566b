"""Deployments, ReplicaSets and endpoints: what keeps objects at what their specs ask for."""
