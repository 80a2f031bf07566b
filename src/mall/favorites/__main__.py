"""`python -m mall.favorites`."""

from mall.catalog.counts import counting
from mall.kit.serve import run

run("favorites", counting(lambda good, _: good.favorites, "The number of people who like each product"))
