"""`GET /sales?ids=1,2`: the number of units sold of each product."""

from mall.catalog.counts import counting

build = counting(lambda good, _: good.sales, "The number of units sold of each product")
