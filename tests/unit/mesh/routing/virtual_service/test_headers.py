"""headers of a VirtualService: of requests and responses, and the host that is no header."""

import msgspec

from mesh.resources.istio.virtual_service import Headers
from mesh.routing.model.route import HeaderChange, HeaderChanges
from mesh.routing.virtual_service.headers import header_changes


def test_changes_are_sorted_and_the_host_stands_apart() -> None:
    headers = {
        "request": {"set": {"x-b": "2", "x-a": "1", "Host": "set"}, "add": {":authority": "added"}, "remove": ["x-c"]},
        "response": {"add": {"x-d": "4"}},
    }
    changes = header_changes(msgspec.convert(headers, Headers))
    assert changes.request == HeaderChange((("x-a", "1"), ("x-b", "2")), (), ("x-c",))
    assert changes.response == HeaderChange(add=(("x-d", "4"),))
    assert changes.authority in ("set", "added")
    assert header_changes(None) == HeaderChanges()


def test_a_host_that_is_set_wins_over_one_that_is_added() -> None:
    headers = msgspec.convert({"request": {"set": {"host": "set"}, "add": {"host": "added"}}}, Headers)
    assert header_changes(headers).authority == "set"
