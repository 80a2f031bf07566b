"""Access to a registry that answers 401: what its challenge asks for, and the token that it trades for a login.

Sources: distribution's "Token Authentication Specification" and "Authenticate proxy with a central service"; RFC 9110,
section 11.6.1 for the challenge.
"""

import json
import re
from collections.abc import Callable, Mapping
from typing import NamedTuple
from urllib.parse import urlencode, urlsplit

from mesh.images.credentials import Login
from mesh.images.errors import Denied

CLIENT_ID = "meshmall"
LARGEST_ANSWER = 1024 * 1024
_PARAMETER = re.compile(r'([a-zA-Z0-9_-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,]+))')

Fetch = Callable[[str, Mapping[str, str], bytes | None], tuple[int, bytes]]
"""Asks a URL with headers, and POSTs a form when there is one: status and body."""


class Challenge(NamedTuple):
    scheme: str
    realm: str = ""
    service: str = ""
    scope: str = ""


def parse_challenge(header: str) -> Challenge:
    scheme, _, rest = header.strip().partition(" ")
    fields = {name.lower(): quoted or plain for name, quoted, plain in _PARAMETER.findall(rest)}
    return Challenge(scheme.lower(), fields.get("realm", ""), fields.get("service", ""), fields.get("scope", ""))


def authorization(
    challenge: Challenge, repository: str, login: Login | None, fetch: Fetch, *, is_plain: bool, subject: str
) -> str:
    """The Authorization header that answers a challenge. Raises Denied."""
    if challenge.scheme == "basic":
        if login is None or login.identity_token:
            raise Denied(f"{subject}: the registry wants a user and a password, and none is known for it")
        return login.header()
    if challenge.scheme != "bearer" or not challenge.realm:
        raise Denied(f'{subject}: the registry asks for "{challenge.scheme}" authentication, which is not known here')
    realm = urlsplit(challenge.realm)
    # A registry behind TLS must not be able to have a password sent in the clear.
    if realm.scheme != "https" and not (realm.scheme == "http" and is_plain):
        raise Denied(f"{subject}: the registry's token service {challenge.realm} is not reached by https")
    scope = challenge.scope or f"repository:{repository}:pull"
    if login is not None and login.identity_token:
        fields = {"grant_type": "refresh_token", "refresh_token": login.identity_token, "scope": scope}
        form = urlencode({**fields, "service": challenge.service, "client_id": CLIENT_ID}).encode()
        status, body = fetch(challenge.realm, {"Content-Type": "application/x-www-form-urlencoded"}, form)
    else:
        query = urlencode({"service": challenge.service, "scope": scope, "client_id": CLIENT_ID})
        headers = {"Authorization": login.header()} if login is not None else {}
        status, body = fetch(f"{challenge.realm}{'&' if realm.query else '?'}{query}", headers, None)
    if status != 200:
        who = "these credentials" if login is not None else "an anonymous user"
        raise Denied(f"{subject}: the token service {realm.netloc} refuses {who} (HTTP {status})")
    return f"Bearer {_token(body, subject)}"


def _token(body: bytes, subject: str) -> str:
    try:
        answer = json.loads(body)
        token = answer.get("token") or answer["access_token"]
    except (ValueError, KeyError, AttributeError):
        raise Denied(f"{subject}: the token service's answer has no token") from None
    if not isinstance(token, str) or any(ord(character) < 33 or ord(character) > 126 for character in token):
        raise Denied(f"{subject}: the token service's token is not one")
    return token
