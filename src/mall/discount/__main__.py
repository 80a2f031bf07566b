"""`python -m mall.discount`."""

from mall.discount.service import build
from mall.kit.serve import run

run("discount", build)
