"""The `ids` parameter that the product services share."""

from functools import lru_cache

from mall.kit.openapi import Parameter
from mall.kit.problem import Problem
from mall.kit.request import Request

MOST = 100
IDS = Parameter("ids", f"product ids separated by commas, 1 to {MOST}")


def ids_of(request: Request) -> tuple[int, ...]:
    """The requested ids, in order. Raises Problem 400 that names the parameter."""
    text = request.parameter("ids")
    if text is None:
        raise Problem(400, "the query parameter ids is missing; for example ids=1,2", parameter="ids")
    return _parsed(text)


# Pages ask for the same few lists again and again.
@lru_cache(maxsize=256)
def _parsed(text: str) -> tuple[int, ...]:
    if not text.strip():
        raise Problem(400, "ids is empty; for example ids=1,2", parameter="ids")
    words = text.split(",")
    if len(words) > MOST:
        raise Problem(400, f"ids has {len(words)} values; at most {MOST} are allowed", parameter="ids")
    return tuple(_integer(word) for word in words)


def _integer(word: str) -> int:
    word = word.strip()
    digits = word.removeprefix("-")
    if not (digits.isascii() and digits.isdigit()) or len(digits) > 18:
        raise Problem(400, f"ids: {word[:40]!r} is not a whole number", parameter="ids")
    return int(word)
