"""`python -m mall.sales`."""

from mall.kit.serve import run
from mall.sales.service import build

run("sales", build)
