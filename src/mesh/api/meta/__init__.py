"""What clients ask before they ask for objects: discovery, OpenAPI, reviews."""
