"""`python -m mall.scores`."""

from mall.kit.serve import run
from mall.scores.service import build

run("scores", build)
