"""Quantities as Kubernetes writes them: "250m", "64Mi", "1e3"."""

import re
from fractions import Fraction
from math import ceil

_QUANTITY = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+))([eE][+-]?\d{1,3}|[numkMGTPE]|[KMGTPE]i|)")
_DECIMAL = {-9: "n", -6: "u", -3: "m", 0: "", 3: "k", 6: "M", 9: "G", 12: "T", 15: "P", 18: "E"}
_BINARY = ("", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei")
_SUFFIXES = {suffix: Fraction(10) ** power for power, suffix in _DECIMAL.items()} | {
    suffix: Fraction(1024) ** power for power, suffix in enumerate(_BINARY)
}


def quantity(value: str | int | float) -> float:
    """The number that a quantity means. Raises ValueError."""
    if not isinstance(value, str):
        return float(value)
    return float(_exact(*_parts(value)))


def canonical(value: str | int | float) -> str:
    """A quantity in the form in which Kubernetes stores it: the largest suffix that needs no fraction.

    "1024Mi" becomes "1Gi", 0.5 becomes "500m"; what is smaller than a billionth is rounded up. Raises ValueError.
    """
    number, suffix = _parts(value if isinstance(value, str) else repr(value))
    amount = _exact(number, suffix)
    billionths = amount * 10**9
    amount = Fraction(ceil(billionths) if billionths > 0 else -ceil(-billionths), 10**9)
    if amount == 0:
        return "0"
    if suffix.endswith("i") and amount.denominator == 1 and abs(amount) >= 1024:
        return _shortest_binary(amount.numerator)
    power = next(power for power in sorted(_DECIMAL, reverse=True) if (amount / Fraction(10) ** power).denominator == 1)
    mantissa = (amount / Fraction(10) ** power).numerator
    if suffix[:1] in ("e", "E") and len(suffix) > 1:
        return f"{mantissa}e{power}" if power else str(mantissa)
    return f"{mantissa}{_DECIMAL[power]}"


def _parts(value: str) -> tuple[str, str]:
    match = _QUANTITY.fullmatch(value)
    if match is None:
        raise ValueError(f'"{value[:80]}" is not a quantity (for example, "250m" or "64Mi")')
    number, suffix = match.groups()
    return number, suffix


def _exact(number: str, suffix: str) -> Fraction:
    if suffix in _SUFFIXES:
        return Fraction(number) * _SUFFIXES[suffix]
    return Fraction(number) * Fraction(10) ** int(suffix[1:])


def _shortest_binary(amount: int) -> str:
    power = 0
    while amount % 1024 == 0 and power < len(_BINARY) - 1:
        amount //= 1024
        power += 1
    return f"{amount}{_BINARY[power]}"
