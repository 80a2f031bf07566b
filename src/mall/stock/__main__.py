"""`python -m mall.stock`."""

from mall.kit.serve import run
from mall.stock.service import build

run("stock", build)
