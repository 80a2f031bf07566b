"""`python -m mall.products`."""

from mall.kit.serve import run
from mall.products.service import build

run("products", build)
