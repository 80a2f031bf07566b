"""Who may speak to the API: the holder of the token or of a pod's, through one of its names, and no web page.

A page in a browser can send requests to loopback, also under a name of its own that resolves there (DNS
rebinding): such a request carries an Origin or a foreign Host, and is refused before anything is looked at.
"""

import hmac
from collections.abc import Mapping

from mesh.api.transport.pod_access import pod_of
from mesh.api.transport.status_errors import Problem

ANONYMOUS = frozenset({"/livez", "/readyz", "/healthz", "/version"})
# The second line: how pods name it. Only what comes through the mesh can get there by these names.
NAMES = frozenset({"127.0.0.1", "localhost", "::1"}) | frozenset(
    ("10.96.0.1", "kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local")
)
BEARER = "Bearer "


class Guard:
    """Checks the heads of requests. `host` is a name that is good besides those of loopback."""

    def __init__(self, token: str, host: str) -> None:
        self._token = token
        self._expected = f"{BEARER}{token}".encode()
        self._names = NAMES | {host}

    def check(self, path: str, headers: Mapping[str, str], *, certified: bool) -> None:
        """Raises Problem (401, 403). `certified`: the connection has shown the client's certificate."""
        host = _hostname(headers.get("host", ""))
        if host not in self._names:
            raise Problem(403, f'the Host header names "{host}"; this API is at {", ".join(sorted(self._names))}')
        # Python's WebSocket client names the server itself as the origin. No page comes from there: only JSON does.
        if headers.get("origin", own := f"https://{headers.get('host', '')}") != own:
            raise Problem(403, "requests of web pages (with an Origin header) are not answered")
        if path in ANONYMOUS or certified:
            return
        text = headers.get("authorization", "")
        if hmac.compare_digest(text.encode("latin-1", "replace"), self._expected):
            return
        if not text.startswith(BEARER) or pod_of(text.removeprefix(BEARER), self._token) is None:
            raise Problem(401, "Unauthorized: the token of the mesh's kubeconfig is needed")


def _hostname(host: str) -> str:
    if host.startswith("["):
        return host[1:].partition("]")[0].lower()
    return host.rpartition(":")[0].lower() if host.count(":") == 1 else host.lower()
