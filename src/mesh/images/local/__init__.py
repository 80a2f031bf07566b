"""Images that are on this machine already: in archives, OCI layouts, a Docker or Podman."""
