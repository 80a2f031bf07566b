"""Quantities as Kubernetes writes them: "250m", "64Mi", "1e3"."""

import re

_QUANTITY = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+))([eE][+-]?\d{1,3}|[numkMGTPE]|[KMGTPE]i|)")
_SUFFIXES = {
    "": 1.0, "n": 1e-9, "u": 1e-6, "m": 1e-3, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15, "E": 1e18,
    "Ki": 2.0**10, "Mi": 2.0**20, "Gi": 2.0**30, "Ti": 2.0**40, "Pi": 2.0**50, "Ei": 2.0**60,
}  # fmt: skip


def quantity(value: str | int | float) -> float:
    """The number that a quantity means. Raises ValueError."""
    if not isinstance(value, str):
        return float(value)
    match = _QUANTITY.fullmatch(value)
    if match is None:
        raise ValueError(f'"{value[:80]}" is not a quantity (for example, "250m" or "64Mi")')
    number, suffix = match.groups()
    if suffix in _SUFFIXES:
        return float(number) * _SUFFIXES[suffix]
    return float(number + suffix)
