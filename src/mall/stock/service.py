"""`GET /stock?ids=1,2`: the number of units in stock of each product."""

from mall.catalog.counts import counting

build = counting(lambda good, _: good.stock, "The number of units in stock of each product")
