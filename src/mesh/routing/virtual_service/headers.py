"""VirtualService.http[].headers, and those of single destinations."""

from mesh.resources.istio.virtual_service import HeaderOperations, Headers
from mesh.routing.model.route import HeaderChange, HeaderChanges

# The names under which a rule changes the request's host, which Envoy rewrites and does not treat as a header.
AUTHORITY = (":authority", "host")


def header_changes(headers: Headers | None) -> HeaderChanges:
    """Changes of request and response; a request's `Host`, set or added, is the `authority`."""
    if headers is None:
        return HeaderChanges()
    request = {**headers.request.add, **headers.request.set} if headers.request is not None else {}
    authority = next((value for name, value in sorted(request.items()) if name.lower() in AUTHORITY), "")
    return HeaderChanges(_change(headers.request), _change(headers.response), authority)


def _change(operations: HeaderOperations | None) -> HeaderChange:
    if operations is None:
        return HeaderChange()
    return HeaderChange(_pairs(operations.set), _pairs(operations.add), tuple(operations.remove))


def _pairs(values: dict[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((name, value) for name, value in values.items() if name.lower() not in AUTHORITY))
