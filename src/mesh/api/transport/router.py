"""Finds the handler of a path: a table of methods and path patterns."""

from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from mesh.api.transport.http import Handler, Request
from mesh.api.transport.status_errors import Problem

READ = ("GET", "HEAD")


class Route(NamedTuple):
    """A path and what answers it.

    A segment of `pattern` in braces matches any text, which the handler finds in `Request.parameters` by that name:
    `/openapi/v3/api/{version}`.
    """

    methods: tuple[str, ...]
    pattern: str
    handler: Handler


class Router:
    """A routing table. Patterns without parameters take precedence, then the order of the table counts."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._exact: defaultdict[str, list[Route]] = defaultdict(list)
        # By the number of segments, since a parameter matches exactly one.
        self._patterns: defaultdict[int, list[tuple[list[str], Route]]] = defaultdict(list)
        for route in routes:
            if "{" in route.pattern:
                segments = route.pattern.split("/")
                self._patterns[len(segments)].append((segments, route))
            else:
                self._exact[route.pattern].append(route)

    def find(self, request: Request) -> Handler | None:
        """The handler of a request, whose `parameters` are set; None when no pattern matches its path.

        Raises Problem (405) when a pattern matches, but not with this method.
        """
        matches = False
        for route, parameters in self._matching(request.path):
            if request.method in route.methods:
                request.parameters = parameters
                return route.handler
            matches = True
        if matches:
            raise method_not_allowed(request)
        return None

    def _matching(self, path: str) -> Iterable[tuple[Route, dict[str, str]]]:
        for route in self._exact.get(path, ()):
            yield route, {}
        segments = path.split("/")
        for pattern, route in self._patterns.get(len(segments), ()):
            parameters = _match(pattern, segments)
            if parameters is not None:
                yield route, parameters


def _match(pattern: list[str], segments: list[str]) -> dict[str, str] | None:
    parameters: dict[str, str] = {}
    for part, segment in zip(pattern, segments, strict=True):
        if part.startswith("{"):
            if not segment:
                return None
            parameters[part[1:-1]] = segment
        elif part != segment:
            return None
    return parameters


def method_not_allowed(request: Request) -> Problem:
    """405 for a path that is served, but not with this method."""
    return Problem(405, f"method {request.method} is not allowed on {request.path}")
