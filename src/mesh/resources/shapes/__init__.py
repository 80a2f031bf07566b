"""Kubernetes' types as text, a line a type: what is checked and stored, and means nothing here.

Structs are for what the mesh reads. These cost neither start-up nor memory until an object of the kind is written.
"""
