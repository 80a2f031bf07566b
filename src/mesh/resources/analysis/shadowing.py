"""Routes that no request reaches, because an earlier route matches all that each of their blocks matches.

A block is compared only with earlier ones that have a condition in common with it, which are found by key: the cost of
thousands of routes, for as many users or paths, grows with their number and not with its square.
"""

from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

from mesh.resources.istio.common import StringMatch
from mesh.resources.istio.virtual_service import HTTPMatchRequest, VirtualService
from mesh.resources.values.problems import FieldError

EVERYTHING = HTTPMatchRequest()
# A few tenths of a second. Advice is not worth more: what this many comparisons do not find is not reported.
MOST_COMPARISONS = 100_000

Key = tuple[object, ...]


class _Block(NamedTuple):
    place: int
    path: str
    block: HTTPMatchRequest


def shadowed(rule: VirtualService) -> Iterator[FieldError]:
    """The routes of a rule that earlier ones leave no requests for."""
    earlier = _Earlier()
    for number, route in enumerate(rule.spec.http):
        path = f"spec.http[{number}]"
        blocks = route.match or [EVERYTHING]
        if earlier.all_taken_by:
            yield FieldError(path, f"is never reached: {earlier.all_taken_by} matches every request before it")
            return
        takers = [earlier.taker(block) for block in blocks]
        if all(takers):
            places = " and ".join(dict.fromkeys(takers))
            yield FieldError(path, f"is never reached: {places} matches all of its requests before it")
        if route.delegate is None:
            for block, taker in zip(blocks, takers, strict=True):
                # Whatever this block would shadow is shadowed by its taker already.
                if not taker:
                    earlier.add(path, block)


class _Earlier:
    """The blocks before a route, each filed under one of its conditions."""

    def __init__(self) -> None:
        self._by_condition: dict[Key, list[_Block]] = defaultdict(list)
        self._count = 0
        self._left = MOST_COMPARISONS
        self.all_taken_by = ""

    def add(self, path: str, block: HTTPMatchRequest) -> None:
        self._count += 1
        if block == EVERYTHING:
            self.all_taken_by = path
        key = min(_keys(block), key=lambda key: len(self._by_condition.get(key, ())), default=())
        self._by_condition[key].append(_Block(self._count, path, block))

    def taker(self, block: HTTPMatchRequest) -> str:
        """The path of the first route that matches all requests of a block; "" when none is known to."""
        best: _Block | None = None
        for key in ((), *_keys_of_takers(block)):
            for candidate in self._by_condition.get(key, ()):
                if best is not None and candidate.place > best.place:
                    break
                self._left -= 1
                if self._left < 0:
                    return ""
                if takes(candidate.block, block):
                    best = candidate
                    break
        return best.path if best is not None else ""


def _fields(block: HTTPMatchRequest) -> Iterator[tuple[str, StringMatch]]:
    for name in ("uri", "scheme", "method", "authority"):
        match = getattr(block, name)
        if match is not None:
            yield name, match
    yield from ((f"header {name}", match) for name, match in block.headers.items())
    yield from ((f"query {name}", match) for name, match in block.query_params.items())


def _others(block: HTTPMatchRequest) -> Iterator[Key]:
    """The conditions that a shadowed block must have in exactly the same form."""
    yield from (("without", name, match) for name, match in block.without_headers.items())
    yield from (("label", name, value) for name, value in block.source_labels.items())
    if block.port:
        yield ("port", block.port)
    if block.source_namespace:
        yield ("namespace", block.source_namespace)


def _keys(block: HTTPMatchRequest) -> Iterator[Key]:
    """The conditions of a block: a block that it shadows has each of them, in the same or a narrower form."""
    yield from _others(block)
    for name, match in _fields(block):
        if match == StringMatch():
            yield ("there", name)
        elif match.prefix is not None:
            yield ("prefix", name, match.prefix)
        else:
            yield ("is", name, match)


def _keys_of_takers(block: HTTPMatchRequest) -> Iterator[Key]:
    """The keys under which blocks are filed that may shadow this one."""
    yield from _others(block)
    for name, match in _fields(block):
        yield ("there", name)
        yield ("is", name, match)
        text = match.exact if match.exact is not None else match.prefix
        if text is not None:
            yield from (("prefix", name, text[:end]) for end in range(len(text) + 1))


def takes(candidate: HTTPMatchRequest, block: HTTPMatchRequest) -> bool:
    """Whether every request of `block` certainly matches `candidate` too."""
    if candidate.uri is not None and not (
        block.uri is not None
        and candidate.ignore_uri_case == block.ignore_uri_case
        and _wider(candidate.uri, block.uri)
    ):
        return False
    for name in ("scheme", "method", "authority"):
        wide, narrow = getattr(candidate, name), getattr(block, name)
        if wide is not None and (narrow is None or not _wider(wide, narrow)):
            return False
    for name in ("headers", "query_params"):
        wide, narrow = getattr(candidate, name), getattr(block, name)
        if not all(key in narrow and _wider(match, narrow[key]) for key, match in wide.items()):
            return False
    same = all(block.without_headers.get(key) == match for key, match in candidate.without_headers.items())
    return (
        same
        and candidate.port in (0, block.port)
        and candidate.source_namespace in ("", block.source_namespace)
        and candidate.source_labels.items() <= block.source_labels.items()
        and (not candidate.gateways or (bool(block.gateways) and set(block.gateways) <= set(candidate.gateways)))
    )


def _wider(wide: StringMatch, narrow: StringMatch) -> bool:
    if wide == narrow or wide == StringMatch():
        return True
    text = narrow.exact if narrow.exact is not None else narrow.prefix
    return wide.prefix is not None and text is not None and text.startswith(wide.prefix)
