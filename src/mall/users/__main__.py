"""`python -m mall.users`."""

from mall.kit.serve import run
from mall.users.service import build

run("users", build)
