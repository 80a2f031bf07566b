"""`GET /favorites?ids=1,2`: the number of people who like each product."""

from mall.catalog.counts import counting

build = counting(lambda good, _: good.favorites, "The number of people who like each product")
