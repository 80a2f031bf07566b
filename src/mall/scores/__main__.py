"""`python -m mall.scores`."""

from mall.catalog.counts import counting
from mall.kit.serve import run

run(
    "scores",
    counting(lambda good, settings: good.score * settings.integer("SCALE", 1, 1, 1000), "The score of each product"),
)
