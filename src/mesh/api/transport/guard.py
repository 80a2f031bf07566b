"""Who may use the API: whoever has the token or a pod's token, through one of its names, and no web page.

A page in a browser can send requests to loopback, even under a name of its own that resolves there (DNS rebinding).
Such a request carries an Origin or a foreign Host, and is rejected before anything else is examined.
"""

import hmac
import time
from collections.abc import Mapping

from mesh.api.transport.pod_access import pod_of
from mesh.api.transport.service_account_tokens import account_of
from mesh.api.transport.status_errors import Problem

ANONYMOUS = frozenset({"/livez", "/readyz", "/healthz", "/version"})
# The names in the second line are those that pods use; only connections through the mesh get here by them.
NAMES = frozenset({"127.0.0.1", "localhost", "::1"}) | frozenset(
    ("10.96.0.1", "kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local")
)
BEARER = "bearer"


class Guard:
    """Checks the headers of requests. `host` is accepted as a name besides those of loopback."""

    def __init__(self, token: str, host: str) -> None:
        self._token = token
        self._names = NAMES | {host}

    def check(self, path: str, headers: Mapping[str, str], *, certified: bool) -> bool:
        """Whether the client has authenticated; what anybody may ask needs no token.

        Raises Problem (401, 403). `certified`: the client has presented its certificate.
        """
        host = _hostname(headers.get("host", ""))
        if host not in self._names:
            raise Problem(403, f'the Host header names "{host}"; this API is at {", ".join(sorted(self._names))}')
        # Python's WebSocket client sends the server itself as the origin. No page comes from there, only JSON.
        if headers.get("origin") not in (None, f"https://{headers.get('host', '')}"):
            raise Problem(403, "requests of web pages (with an Origin header) are not answered")
        if path in ANONYMOUS or certified:
            return certified
        # A scheme's name has no case (RFC 9110, 11.1): in a pod, the Python client writes "bearer".
        scheme, _, token = headers.get("authorization", "").partition(" ")
        if scheme.lower() != BEARER or not self._accepts(token.strip()):
            raise Problem(401, "Unauthorized: the token of the mesh's kubeconfig is needed")
        return True

    def _accepts(self, token: str) -> bool:
        """The mesh's token, a pod's, or a ServiceAccount's."""
        is_own = hmac.compare_digest(token.encode("latin-1", "replace"), self._token.encode())
        return (
            is_own or pod_of(token, self._token) is not None or account_of(token, self._token, time.time()) is not None
        )


def _hostname(host: str) -> str:
    if host.startswith("["):
        return host[1:].partition("]")[0].lower()
    return host.rpartition(":")[0].lower() if host.count(":") == 1 else host.lower()
