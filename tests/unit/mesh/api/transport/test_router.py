"""The router: exact paths before patterns, parameters, and what is not served."""

import pytest

from mesh.api.transport.http import Handler, Reply, Request
from mesh.api.transport.router import READ, Route, Router
from mesh.api.transport.status_errors import Problem


def handler(name: str) -> Handler:
    async def answer(_request: Request) -> Reply:
        return Reply(name)

    return answer


ROUTER = Router(
    [
        Route(READ, "/apis/{group}", handler("group")),
        Route(READ, "/apis/{group}/{version}", handler("version")),
        Route(("GET",), "/apis/metrics/v1", handler("metrics")),
        Route(("POST",), "/apis/metrics/v1", handler("review")),
    ]
)


def request(method: str, path: str) -> Request:
    async def receive() -> dict[str, object]:
        raise AssertionError("no body is read")

    scope = {"method": method, "path": path, "headers": [], "query_string": b""}
    return Request(scope, receive, largest_body=0, body_limit=0.0)


@pytest.mark.parametrize(
    ("method", "path", "name", "parameters"),
    [
        ("GET", "/apis/apps", "group", {"group": "apps"}),
        ("HEAD", "/apis/apps/v1", "version", {"group": "apps", "version": "v1"}),
        ("GET", "/apis/metrics/v1", "metrics", {}),
        ("POST", "/apis/metrics/v1", "review", {}),
        ("GET", "/apis/apps/v1/", "version", {"group": "apps", "version": "v1"}),
    ],
)
async def test_a_request_finds_its_handler(method: str, path: str, name: str, parameters: dict[str, str]) -> None:
    asked = request(method, path)
    found = ROUTER.find(asked)
    assert found is not None
    answer = await found(asked)
    assert isinstance(answer, Reply)
    assert (answer.body, asked.parameters) == (name, parameters)


@pytest.mark.parametrize("path", ["/", "/apis", "/apis//v1", "/apis/apps/v1/deployments", "/api/v1"])
def test_a_path_that_no_pattern_matches_is_left_to_others(path: str) -> None:
    assert ROUTER.find(request("GET", path)) is None


def test_a_path_with_another_method_is_refused() -> None:
    with pytest.raises(Problem, match="method DELETE is not allowed on /apis/apps/v1") as caught:
        ROUTER.find(request("DELETE", "/apis/apps/v1"))
    assert caught.value.code == 405
