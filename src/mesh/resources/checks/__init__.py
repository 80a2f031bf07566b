"""What a single object can get wrong: one file per kind. `mesh.resources.kinds` says which kind has which check."""
