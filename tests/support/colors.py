"""How far apart colours are, for people with all three kinds of cones and for people who lack one.

OKLab is Ottosson's (https://bottosson.github.io/posts/oklab/), the simulation Machado, Oliveira and Fernandes' for full
dichromacy (A Physiologically-based Model for Simulation of Color Vision Deficiency, 2009).
"""

import math
from collections.abc import Sequence

Color = tuple[float, float, float]
SIGHT: dict[str, Sequence[Color]] = {
    "all cones": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protanopia": (
        (0.152286, 1.052583, -0.204868),
        (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ),
    "deuteranopia": (
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    ),
    "tritanopia": (
        (1.255528, -0.076749, -0.178779),
        (-0.078411, 0.930809, 0.147602),
        (0.004733, 0.691367, 0.303900),
    ),
}


def linear(lightness: float, chroma: float, hue: float) -> Color:
    """Linear sRGB of an oklch colour, as CSS writes it (hue in degrees)."""
    a, b = chroma * math.cos(math.radians(hue)), chroma * math.sin(math.radians(hue))
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    middle = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    return (
        4.0767416621 * long - 3.3077115913 * middle + 0.2309699292 * short,
        -1.2684380046 * long + 2.6097574011 * middle - 0.3413193965 * short,
        -0.0041960863 * long - 0.7034186147 * middle + 1.7076147010 * short,
    )


def lab(color: Color) -> Color:
    """OKLab of a linear sRGB colour."""
    red, green, blue = (min(1.0, max(0.0, part)) for part in color)
    long = (0.4122214708 * red + 0.5363325363 * green + 0.0514459929 * blue) ** (1 / 3)
    middle = (0.2119034982 * red + 0.6806995451 * green + 0.1073969566 * blue) ** (1 / 3)
    short = (0.0883024619 * red + 0.2817188376 * green + 0.6299787005 * blue) ** (1 / 3)
    return (
        0.2104542553 * long + 0.7936177850 * middle - 0.0040720468 * short,
        1.9779984951 * long - 2.4285922050 * middle + 0.4505937099 * short,
        0.0259040371 * long + 0.7827717662 * middle - 0.8086757660 * short,
    )


def distance(one: Color, other: Color, sight: str) -> float:
    """How different two linear sRGB colours look; about 0.02 is just noticeable side by side."""
    return math.dist(lab(_seen(one, sight)), lab(_seen(other, sight)))


def _seen(color: Color, sight: str) -> Color:
    clipped = [min(1.0, max(0.0, part)) for part in color]
    red, green, blue = (sum(weight * part for weight, part in zip(row, clipped, strict=True)) for row in SIGHT[sight])
    return red, green, blue
