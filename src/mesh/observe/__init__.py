"""What actually went through the mesh: every request at every hop, as Envoy reports it."""
