"""From text to checked objects: documents, structure, defaults, manifests."""
