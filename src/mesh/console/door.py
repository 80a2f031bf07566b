"""Who may use the console: the browser that was given a session, from the console's own page.

The console has its own host name, `console.localhost`: cookies belong to a host regardless of the port, and other
programs on this machine answer at `localhost` and 127.0.0.1. Requests of other sites' pages are refused:

* a host name that resolves to loopback (DNS rebinding): the Host header must be the console's;
* requests across sites (CSRF): the cookie is SameSite=Strict, an Origin must be the console's, Sec-Fetch-Site must
  not be another site's, and requests that change something need a header that no form can send;
* reading responses (CORS): never allowed; framing: frame-ancestors 'none'.
"""

from collections.abc import Mapping
from http.cookies import CookieError, SimpleCookie

from mesh.api.transport.status_errors import Problem

NAME = "console.localhost"
COOKIE = "meshmall-console"
HEADER = "x-meshmall-console"
SAFE = frozenset(("GET", "HEAD"))
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = (
    (b"content-security-policy", POLICY.encode()),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=()"),
)


def check_place(method: str, headers: Mapping[str, str], port: int) -> None:
    """Refuses requests that come neither from the console's own page nor from an address bar. Raises Problem (403)."""
    authority = f"{NAME}:{port}"
    if headers.get("host", "").lower() != authority:
        raise Problem(403, f"the console is at http://{authority}/")
    if headers.get("origin", f"http://{authority}") != f"http://{authority}":
        raise Problem(403, "requests from other sites are not allowed")
    if headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise Problem(403, "requests from other sites are not allowed")
    if method not in SAFE and HEADER not in headers:
        raise Problem(403, f"requests that change something need the header {HEADER}")


def session_of(headers: Mapping[str, str]) -> str:
    """The session in a browser's cookie; "" when there is none."""
    try:
        cookies = SimpleCookie(headers.get("cookie", ""))
    except CookieError:
        return ""
    session = cookies.get(COOKIE)
    return session.value if session is not None else ""


def cookie(session: str, lifetime: float) -> str:
    """The Set-Cookie header's value."""
    return f"{COOKIE}={session}; Path=/; HttpOnly; SameSite=Strict; Max-Age={round(lifetime)}"
