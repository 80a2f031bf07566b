"""Virtual hosts and the route tables that they make up: of the mesh, of gateways, of single Services."""
