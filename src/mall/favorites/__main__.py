"""`python -m mall.favorites`."""

from mall.favorites.service import build
from mall.kit.serve import run

run("favorites", build)
