"""`GET /scores?ids=1,2`: the score of each product."""

from mall.catalog.counts import counting

build = counting(lambda good, settings: good.score * settings.integer("SCALE", 1, 1, 1000), "The score of each product")
