"""ListOptions (meta/v1): what a client asks of a list or a watch, checked as Kubernetes checks it.

Source: k8s.io/apimachinery, metainternalversion/validation.ValidateListOptions.
"""

import base64
import binascii
from collections.abc import Mapping
from typing import NamedTuple, Self

import msgspec

from mesh.api.transport.http import boolean
from mesh.api.transport.status_errors import Problem, invalid_options

EXACT, NOT_OLDER_THAN = "Exact", "NotOlderThan"
LONGEST_NUMBER = 18


class Continuation(NamedTuple):
    """Where a page ends: the store's version at the first page, and the last object of this one."""

    version: int
    namespace: str
    name: str

    def token(self) -> str:
        """For `continue`."""
        return base64.urlsafe_b64encode(msgspec.json.encode(tuple(self))).decode().rstrip("=")

    @classmethod
    def of(cls, token: str) -> Self:
        """Raises Problem (400)."""
        try:
            padded = token + "=" * (-len(token) % 4)
            return cls(*msgspec.json.decode(base64.urlsafe_b64decode(padded), type=tuple[int, str, str]))
        except (binascii.Error, msgspec.DecodeError, ValueError):
            raise Problem(400, "continue: this token was not given by this server") from None


class ListOptions(NamedTuple):
    """`limit` 0 means all, `timeout` seconds (0: none given), `version` None any, 0 whatever is at hand.

    `initial` (sendInitialEvents) is None when the client does not say.
    """

    watch: bool
    limit: int
    timeout: int
    version: int | None
    exact: bool
    after: Continuation | None
    initial: bool | None
    bookmarks: bool


def list_options(query: Mapping[str, str]) -> ListOptions:
    """Raises Problem: 400 for what cannot be read, 422 for what does not go together."""
    watch, limit = _flag(query, "watch"), _number(query, "limit")
    timeout, initial = _number(query, "timeoutSeconds"), _initial(query)
    _check(query, watch=watch, initial=initial)
    version = version_of(query.get("resourceVersion", ""))
    token = "" if watch else query.get("continue", "")
    if token and version:
        raise Problem(400, "specifying resource version is not allowed when using continue")
    return ListOptions(
        watch=watch,
        limit=max(0, limit),
        timeout=max(0, timeout),
        version=version,
        exact=query.get("resourceVersionMatch") == EXACT,
        after=Continuation.of(token) if token else None,
        initial=initial,
        bookmarks=_flag(query, "allowWatchBookmarks"),
    )


def version_of(text: str) -> int | None:
    """A resourceVersion as a number, None when it is not set. Raises Problem (400)."""
    if not text:
        return None
    if not (text.isascii() and text.isdigit()) or len(text) > LONGEST_NUMBER:
        raise Problem(400, f'resourceVersion: "{text}" was not given by this server, whose versions are numbers')
    return int(text)


def too_large(version: int, current: int) -> Problem:
    """504 for a version that the store has not reached."""
    cause = {"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}
    return Problem(
        504, f"Timeout: Too large resource version: {version}, current: {current}", causes=[cause], retry_after=1
    )


def _check(query: Mapping[str, str], *, watch: bool, initial: bool | None) -> None:
    """What does not go together. Raises Problem (422)."""
    match, version = query.get("resourceVersionMatch", ""), query.get("resourceVersion", "")
    if watch:
        if initial is not None and match != NOT_OLDER_THAN:
            raise _forbidden("resourceVersionMatch", "sendInitialEvents requires resourceVersionMatch NotOlderThan")
        if match and initial is None:
            raise _forbidden("resourceVersionMatch", "is forbidden for watch unless sendInitialEvents is provided")
        return
    if initial is not None:
        raise _forbidden("sendInitialEvents", "is forbidden for list")
    if not match:
        return
    if not version:
        raise _forbidden("resourceVersionMatch", "is forbidden unless resourceVersion is provided")
    if query.get("continue"):
        raise _forbidden("resourceVersionMatch", "is forbidden when continue is provided")
    if match not in (EXACT, NOT_OLDER_THAN):
        raise invalid_options(
            "ListOptions",
            "resourceVersionMatch",
            "FieldValueNotSupported",
            f'Unsupported value: "{match}": supported values: "{EXACT}", "{NOT_OLDER_THAN}"',
        )
    if match == EXACT and version == "0":
        raise _forbidden("resourceVersionMatch", 'Exact is forbidden for resourceVersion "0"')


def _forbidden(field: str, why: str) -> Problem:
    return invalid_options("ListOptions", field, "FieldValueForbidden", f"Forbidden: {why}")


def _flag(query: Mapping[str, str], name: str) -> bool:
    return name in query and boolean(query[name])


def _initial(query: Mapping[str, str]) -> bool | None:
    return boolean(query["sendInitialEvents"]) if query.get("sendInitialEvents") else None


def _number(query: Mapping[str, str], name: str) -> int:
    text = query.get(name, "")
    digits = text.removeprefix("-")
    if not text:
        return 0
    if not (digits.isascii() and digits.isdigit()) or len(digits) > LONGEST_NUMBER:
        raise Problem(400, f'{name}: "{text}" is not a whole number')
    return int(text)
