"""Containers that run from their image: which do, how the image gets here, what its configuration and the pod's say."""
