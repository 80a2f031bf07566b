"""Durations as Istio's JSON has them and as Kubernetes prints them, and Kubernetes' percentages."""

import re
from collections.abc import Iterator

from mesh.resources.values.problems import FieldError

UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}
PART = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(h|ms|m|s|us|µs|ns)", re.ASCII)
LONGEST = 315_576_000_000.0  # the longest protobuf Duration
WHOLE = re.compile(rf"(?:{PART.pattern})+", re.ASCII)


def seconds(text: str) -> float:
    """A duration such as "1.5s", "2m30s" or "100ms", in seconds. Raises ValueError."""
    if text == "0":
        return 0.0
    if not WHOLE.fullmatch(text):
        raise ValueError(f'"{text[:80]}" is not a duration (for example, "1.5s" or "100ms")')
    return sum(float(number) * UNITS[unit] for number, unit in PART.findall(text))


def share(value: int | str, total: int, *, up: bool) -> int:
    """A number of pods, from a number or a percentage of `total`, rounded up or down. Raises ValueError."""
    if isinstance(value, int):
        return value
    digits = value.removesuffix("%")
    if not (value.endswith("%") and digits.isdecimal() and digits.isascii() and len(digits) < 10):
        raise ValueError(f'"{value[:80]}" is neither a whole number nor a percentage such as "25%"')
    scaled = int(digits) * total
    return -(-scaled // 100) if up else scaled // 100


def wrong_duration(text: str, path: str, *, positive: bool = False, whole: bool = False) -> Iterator[FieldError]:
    """An error when this is not a duration, is between 0 and 1ms, is 0 although it must be `positive`, or is not a
    number of seconds although it must be `whole`."""
    try:
        value = seconds(text)
    except ValueError as error:
        yield FieldError(path, str(error))
        return
    if (positive and value < 0.001) or 0 < value < 0.001:
        yield FieldError(path, f'"{text}" is below 1ms')
    elif whole and value % 1:
        yield FieldError(path, f'"{text}" has a fraction of a second')
    if value > LONGEST:
        yield FieldError(path, f'"{text}" is above {LONGEST:.0f}s')


def human_duration(seconds: float) -> str:
    """A span of time as Kubernetes prints it (duration.HumanDuration): `42s`, `5m3s`, `12m`, `3h4m`, `2d`."""
    rounded = max(0, int(seconds))
    minutes, hours, days = rounded // 60, rounded // 3600, rounded // 86400
    if rounded < 120:
        return f"{rounded}s"
    if minutes < 10:
        return f"{minutes}m{rounded % 60}s" if rounded % 60 else f"{minutes}m"
    if minutes < 180:
        return f"{minutes}m"
    if hours < 8:
        return f"{hours}h{minutes % 60}m" if minutes % 60 else f"{hours}h"
    if hours < 48:
        return f"{hours}h"
    if days < 8:
        return f"{days}d{hours % 24}h" if hours % 24 else f"{days}d"
    return f"{days}d"
