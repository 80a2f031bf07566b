"""Who may see and drive the console: the browser that was handed a session, from the console's own page.

The console has a name of its own, `console.localhost`: a cookie belongs to a host whatever the port, and other programs
of this machine answer at `localhost` and 127.0.0.1. What a page of another site can do is refused one by one:

* a name of its own that resolves to loopback (DNS rebinding): the Host header must be the console's;
* requests across sites (CSRF): the cookie is SameSite=Strict, an Origin must be the console's, Sec-Fetch-Site may not
  be another site's, and what changes something needs a header that no form can send;
* reading answers (CORS): nothing is ever allowed; framing: frame-ancestors 'none'.
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
    """Refuses what does not come from the console's own page, or from a person's address bar. Raises Problem (403)."""
    own = f"{NAME}:{port}"
    if headers.get("host", "").lower() != own:
        raise Problem(403, f"the console is at http://{own}/")
    if headers.get("origin", f"http://{own}") != f"http://{own}":
        raise Problem(403, "other sites have nothing to ask here")
    if headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise Problem(403, "other sites have nothing to ask here")
    if method not in SAFE and HEADER not in headers:
        raise Problem(403, f"what changes something needs the header {HEADER}")


def session_of(headers: Mapping[str, str]) -> str:
    """The session that a browser's cookie names, "" for none."""
    try:
        cookies = SimpleCookie(headers.get("cookie", ""))
    except CookieError:
        return ""
    found = cookies.get(COOKIE)
    return found.value if found is not None else ""


def cookie(session: str, lives: float) -> str:
    """The Set-Cookie header's value."""
    return f"{COOKIE}={session}; Path=/; HttpOnly; SameSite=Strict; Max-Age={round(lives)}"
