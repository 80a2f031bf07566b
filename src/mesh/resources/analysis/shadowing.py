"""Routes that no request reaches: each of their blocks asks for no more than an earlier one.

A block is held only against earlier ones that ask for something it asks for too, which are found by key: thousands of
routes for as many users or paths cost what their number is, and not its square.
"""

from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

from mesh.resources.istio.common import StringMatch
from mesh.resources.istio.virtual_service import HTTPMatchRequest, VirtualService
from mesh.resources.values.problems import FieldError

EVERYTHING = HTTPMatchRequest()
# So many comparisons, some tenths of a second, are worth an advice; what they do not find is not told.
MOST_COMPARISONS = 100_000

Key = tuple[object, ...]


class _Held(NamedTuple):
    place: int
    path: str
    block: HTTPMatchRequest


def shadowed(typed: VirtualService) -> Iterator[FieldError]:
    """The routes that earlier ones of the same rule leave nothing to."""
    earlier = _Earlier()
    for number, route in enumerate(typed.spec.http):
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
                # Who takes this block takes all that it would take.
                if not taker:
                    earlier.add(path, block)


class _Earlier:
    """The blocks before a route, each under one thing that it asks for."""

    def __init__(self) -> None:
        self._held: dict[Key, list[_Held]] = defaultdict(list)
        self._count = 0
        self._left = MOST_COMPARISONS
        self.all_taken_by = ""

    def add(self, path: str, block: HTTPMatchRequest) -> None:
        self._count += 1
        if block == EVERYTHING:
            self.all_taken_by = path
        key = min(_keys(block), key=lambda key: len(self._held.get(key, ())), default=())
        self._held[key].append(_Held(self._count, path, block))

    def taker(self, block: HTTPMatchRequest) -> str:
        """The path of the first route that takes all requests of a block; "" when none is known to."""
        best: _Held | None = None
        for key in ((), *_keys_of_takers(block)):
            for held in self._held.get(key, ()):
                if best is not None and held.place > best.place:
                    break
                self._left -= 1
                if self._left < 0:
                    return ""
                if takes(held.block, block):
                    best = held
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
    """What a block that is taken must ask for in the same words."""
    yield from (("without", name, match) for name, match in block.without_headers.items())
    yield from (("label", name, value) for name, value in block.source_labels.items())
    if block.port:
        yield ("port", block.port)
    if block.source_namespace:
        yield ("namespace", block.source_namespace)


def _keys(block: HTTPMatchRequest) -> Iterator[Key]:
    """What a block asks for: whatever it takes asks for each of them, in some narrower form."""
    yield from _others(block)
    for name, match in _fields(block):
        if match == StringMatch():
            yield ("there", name)
        elif match.prefix is not None:
            yield ("prefix", name, match.prefix)
        else:
            yield ("is", name, match)


def _keys_of_takers(block: HTTPMatchRequest) -> Iterator[Key]:
    """Where blocks stand that may take this one."""
    yield from _others(block)
    for name, match in _fields(block):
        yield ("there", name)
        yield ("is", name, match)
        text = match.exact if match.exact is not None else match.prefix
        if text is not None:
            yield from (("prefix", name, text[:end]) for end in range(len(text) + 1))


def takes(held: HTTPMatchRequest, block: HTTPMatchRequest) -> bool:
    """Whether every request of `block` surely is one of `held` too."""
    if held.uri is not None and not (
        block.uri is not None and held.ignore_uri_case == block.ignore_uri_case and _wider(held.uri, block.uri)
    ):
        return False
    for name in ("scheme", "method", "authority"):
        wide, narrow = getattr(held, name), getattr(block, name)
        if wide is not None and (narrow is None or not _wider(wide, narrow)):
            return False
    for name in ("headers", "query_params"):
        wide, narrow = getattr(held, name), getattr(block, name)
        if not all(key in narrow and _wider(match, narrow[key]) for key, match in wide.items()):
            return False
    same = all(block.without_headers.get(key) == match for key, match in held.without_headers.items())
    return (
        same
        and held.port in (0, block.port)
        and held.source_namespace in ("", block.source_namespace)
        and held.source_labels.items() <= block.source_labels.items()
        and (not held.gateways or (bool(block.gateways) and set(block.gateways) <= set(held.gateways)))
    )


def _wider(wide: StringMatch, narrow: StringMatch) -> bool:
    if wide == narrow or wide == StringMatch():
        return True
    text = narrow.exact if narrow.exact is not None else narrow.prefix
    return wide.prefix is not None and text is not None and text.startswith(wide.prefix)
