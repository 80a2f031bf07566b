"""`python -m mall.recommend`."""

from mall.kit.serve import run
from mall.recommend.service import build

run("recommend", build)
