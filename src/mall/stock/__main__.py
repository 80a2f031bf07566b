"""`python -m mall.stock`."""

from mall.catalog.counts import counting
from mall.kit.serve import run

run("stock", counting(lambda good, _: good.stock, "The number of units in stock of each product"))
