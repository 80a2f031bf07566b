"""A layer's archive into a folder, whatever the archive tries."""
