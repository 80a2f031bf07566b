"""The filters RequestHeaderModifier and ResponseHeaderModifier, of rules and of single backends."""

from collections.abc import Sequence

from mesh.resources.gateway_api.types import HTTPHeaderFilter, RouteFilter
from mesh.routing.model.route import HeaderChange, HeaderChanges


def header_changes(filters: Sequence[RouteFilter]) -> HeaderChanges:
    """The first filter of each kind counts; a request's `Host` is the `authority`."""
    request = next((filter_.request_header_modifier for filter_ in filters if filter_.request_header_modifier), None)
    response = next((filter_.response_header_modifier for filter_ in filters if filter_.response_header_modifier), None)
    return HeaderChanges(_change(request), _change(response), _authority(request))


def _change(headers: HTTPHeaderFilter | None) -> HeaderChange:
    if headers is None:
        return HeaderChange()
    # Reversed, so that of two entries for one name the first stays.
    overwritten, appended = (
        # Envoy reads commands in values (%START_TIME%); the Gateway API knows none.
        {
            header.name.lower(): header.value.replace("%", "%%")
            for header in reversed(pairs)
            if header.name.lower() != "host"
        }
        for pairs in (headers.set, headers.add)
    )
    return HeaderChange(tuple(sorted(overwritten.items())), tuple(sorted(appended.items())), tuple(headers.remove))


def _authority(headers: HTTPHeaderFilter | None) -> str:
    """`Host` is not a header that Envoy sets: setting it rewrites the authority."""
    entries = [*headers.set, *headers.add] if headers is not None else []
    return next((header.value for header in entries if header.name.lower() == "host"), "")
