"""Tokens of ServiceAccounts: JSON Web Tokens (RFC 7519) with the claims of Kubernetes', signed with the mesh's own key.

The server keeps nothing about them: signature and time say whether one is valid. They end with the mesh's token, from
which the key is derived.
"""

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Sequence
from typing import Any, NamedTuple

ISSUER = "https://kubernetes.default.svc"
HEADER = {"alg": "HS256", "typ": "JWT"}
# Longer than any token that is issued; what is longer is not looked at.
LONGEST = 8_192


class Account(NamedTuple):
    """The ServiceAccount that a token stands for."""

    namespace: str
    name: str
    uid: str

    @property
    def username(self) -> str:
        """As Kubernetes names it in reviews and audit logs."""
        return f"system:serviceaccount:{self.namespace}:{self.name}"

    @property
    def groups(self) -> list[str]:
        """The groups of Kubernetes that it is in."""
        return ["system:serviceaccounts", f"system:serviceaccounts:{self.namespace}", "system:authenticated"]


def issue(secret: str, account: Account, audiences: Sequence[str], issued: int, ends: int | None) -> str:
    """A token for these audiences; `issued` and `ends` are seconds since the epoch, `ends` None for never."""
    named = {"name": account.name, "uid": account.uid}
    claims: dict[str, Any] = {
        "aud": list(audiences),
        "iat": issued,
        "iss": ISSUER,
        "kubernetes.io": {"namespace": account.namespace, "serviceaccount": named},
        "nbf": issued,
        "sub": account.username,
    }
    if ends is not None:
        claims["exp"] = ends
    signed = f"{_encoded(HEADER)}.{_encoded(claims)}"
    return f"{signed}.{_signature(secret, signed)}"


def account_of(token: str, secret: str, now: float) -> Account | None:
    """The account of a token that is valid now; None for any other text."""
    signed, _, signature = token.rpartition(".") if len(token) <= LONGEST else ("", "", "")
    if not signed or not hmac.compare_digest(
        signature.encode("latin-1", "replace"), _signature(secret, signed).encode()
    ):
        return None
    try:
        encoded = signed.partition(".")[2]
        claims = json.loads(base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)))
        subject = claims["kubernetes.io"]
        account = subject["serviceaccount"]
        ends = claims.get("exp")
    except (binascii.Error, ValueError, KeyError, TypeError):
        return None
    return Account(subject["namespace"], account["name"], account["uid"]) if ends is None or now < ends else None


def _encoded(body: dict[str, Any]) -> str:
    raw = json.dumps(body, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _signature(secret: str, signed: str) -> str:
    key = hashlib.sha256(f"service accounts of {secret}".encode()).digest()
    digest = hmac.new(key, signed.encode("latin-1", "replace"), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")
