"""Durations as Istio's JSON has them, and Kubernetes' percentages."""

import re

UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}
PART = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(h|ms|m|s|us|µs|ns)")
WHOLE = re.compile(rf"(?:{PART.pattern})+")


def seconds(text: str) -> float:
    """A duration as "1.5s", "2m30s" or "100ms", in seconds. Raises ValueError."""
    if text == "0":
        return 0.0
    if not WHOLE.fullmatch(text):
        raise ValueError(f'"{text}" is not a duration; "1.5s" or "100ms" would do')
    return sum(float(number) * UNITS[unit] for number, unit in PART.findall(text))


def share(value: int | str, whole: int, *, up: bool) -> int:
    """A number of pods, from a number or a percentage of `whole`, rounded up or down. Raises ValueError."""
    if isinstance(value, int):
        return value
    digits = value.removesuffix("%")
    if not (value.endswith("%") and digits.isdigit()):
        raise ValueError(f'"{value}" is neither a whole number nor a percentage as "25%"')
    scaled = int(digits) * whole
    return -(-scaled // 100) if up else scaled // 100
