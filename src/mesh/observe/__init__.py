"""What really went through the mesh: each request of each hop, as Envoy tells it."""
