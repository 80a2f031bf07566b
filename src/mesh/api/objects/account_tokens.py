"""`serviceaccounts/NAME/token` (TokenRequest of authentication.k8s.io/v1): `kubectl create token`."""

import time
from typing import Any

from mesh.api.objects.paths import Target
from mesh.api.objects.reading import require
from mesh.api.transport.http import Reply, Request
from mesh.api.transport.service_account_tokens import ISSUER, Account, issue
from mesh.api.transport.status_errors import Problem
from mesh.store import Store
from mesh.store.cascade import rfc3339

HOUR = 3600
SHORTEST, LONGEST = 600, 1 << 32


class AccountTokens:
    """Issues tokens, signed with the mesh's `secret`, for ServiceAccounts of one store."""

    def __init__(self, store: Store, secret: str) -> None:
        self._store = store
        self._secret = secret

    async def create(self, target: Target, request: Request) -> Reply:
        """Raises Problem (400, 404)."""
        stored = require(self._store, target)
        body = await request.json_object()
        spec = body.get("spec") if isinstance(body.get("spec"), dict) else {}
        assert isinstance(spec, dict)
        seconds = _seconds(spec.get("expirationSeconds"))
        audiences = [str(audience) for audience in spec.get("audiences") or [ISSUER]]
        now = int(time.time())
        account = Account(stored.ref.namespace, stored.ref.name, stored.uid)
        token = issue(self._secret, account, audiences, now, now + seconds)
        status = {"token": token, "expirationTimestamp": rfc3339(now + seconds)}
        metadata = {"name": target.name, "namespace": target.namespace, "creationTimestamp": rfc3339(now)}
        answer = {
            "kind": "TokenRequest",
            "apiVersion": "authentication.k8s.io/v1",
            "metadata": metadata,
            "spec": {
                "audiences": audiences,
                "expirationSeconds": seconds,
                "boundObjectRef": spec.get("boundObjectRef"),
            },
            "status": status,
        }
        return Reply(answer, 201)


def _seconds(value: Any) -> int:
    if value is None:
        return HOUR
    if not isinstance(value, int) or isinstance(value, bool) or not SHORTEST <= value <= LONGEST:
        raise Problem(400, f"spec.expirationSeconds: {value!r} is not a number of seconds from {SHORTEST} to {LONGEST}")
    return value
