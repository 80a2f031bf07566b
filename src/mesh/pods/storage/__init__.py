"""PersistentVolumes: folders of the home, and which claim has which."""
