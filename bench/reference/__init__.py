"""What the mesh is compared with: the same mall without a mesh, behind one bare Envoy, with two Envoys per hop as
sidecars have them, and the smallest possible programs in its place."""
