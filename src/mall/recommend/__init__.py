"""Six products for a user, best score first; v2 (BANNER=true) adds a banner."""
