"""Pods that stand still for a moment, so that their files can be copied as they are."""
