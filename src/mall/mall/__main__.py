"""`python -m mall.mall`."""

from mall.kit.serve import run
from mall.mall.service import build

run("mall", build)
