"""`python -m mall.sales`."""

from mall.catalog.counts import counting
from mall.kit.serve import run

run("sales", counting(lambda good, _: good.sales, "The number of units sold of each product"))
