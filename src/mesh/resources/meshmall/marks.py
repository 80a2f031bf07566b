"""How a branch travels in what programs forward anyway: the marks in their headers, as text. Pure.

Hardly any program forwards `baggage`, and none `x-branch`; many forward `x-request-id`, a trace context or cookies. So
the mesh marks those, too. `tag` is 16 hexadecimal digits that only this mesh can make for a branch:

    x-request-id   5f0c...-9d7a@fox-<tag>           what stood there before, and the mark
    tracestate     meshmall=fox-<tag>[.<original>]  `original` is the trace id that the client had sent
    traceparent    00-<tag><16 digits>-...          the first half of the trace id
    b3, x-b3-*     the same trace id
    cookie         meshmall-branch=fox-<tag>        only where a request has cookies

`envoy/encode/lua/marks.lua` writes and reads them.
"""

import hmac
import re

TRACESTATE_KEY = "meshmall"
COOKIE = "meshmall-branch"
# The first digits of every tag. Envoy skips the script for ids without them, and a mark from outside is recognised
# whatever branches there are. As seconds since 1970, with which some tracers begin their ids, they are in 2067.
TAG_PREFIX = "b7a9c4"
TAG_DIGITS = 16
# Digits of the rest of a trace id, which the mark leaves alone.
ID_DIGITS = 16
REQUEST_ID = re.compile(rf"@(?P<branch>[a-z0-9-]{{1,40}})-(?P<tag>[0-9a-f]{{{TAG_DIGITS}}})\Z", re.ASCII)


def tag_of(secret: bytes, branch: str) -> str:
    """The tag of a branch: the common prefix, then digits of an HMAC (SHA-256) with the mesh's secret.

    A random trace id is taken for one of B branches with a probability of B / 2**64. Two of 1,000 branches have the
    same tag with a probability of 5e-7; then neither is recognised by it, since their marks could be confused.
    """
    return (
        TAG_PREFIX + hmac.digest(secret, b"branch\0" + branch.encode(), "sha256").hex()[: TAG_DIGITS - len(TAG_PREFIX)]
    )


def unmarked(request_id: str) -> str:
    """An `x-request-id` without marks of branches: the id that it was before it entered one."""
    while mark := REQUEST_ID.search(request_id):
        request_id = request_id[: mark.start()]
    return request_id
