"""`GET /mesh/v1/sync`: waits until Envoy has acknowledged a version of the store."""

from mesh.api.interfaces import Plane
from mesh.api.transport.http import Reply, Request
from mesh.api.transport.status_errors import Problem
from mesh.store import Store

DEFAULT_TIMEOUT = 30
LONGEST_TIMEOUT = 300.0


class Sync:
    """Knows what the store has, and asks the data plane what Envoy has."""

    def __init__(self, store: Store, plane: Plane) -> None:
        self._store = store
        self._plane = plane

    async def wait(self, request: Request) -> Reply:
        """Waits for `version` (default: the newest) at most `timeout` seconds. Raises Problem (400, 504).

        Answers `{"version": int, "milliseconds": float, "rejected": [{"resource", "reason", "origins": [ref, ...]}]}`.
        """
        given = request.number("version")
        seconds = min(float(request.number("timeout") or DEFAULT_TIMEOUT), LONGEST_TIMEOUT)
        version = self._store.version if given is None else given
        if version > self._store.version:
            raise Problem(400, f"version: {version} is not reached; the store is at {self._store.version}")
        try:
            acknowledged = await self._plane.acknowledged(version, seconds)
        except TimeoutError:
            raise Problem(504, f"Envoy has not acknowledged version {version} within {seconds:g} s") from None
        rejected = [
            {
                "resource": part.resource,
                "reason": part.reason,
                "origins": [origin._asdict() for origin in part.origins],
            }
            for part in acknowledged.rejected
        ]
        return Reply({"version": acknowledged.version, "milliseconds": acknowledged.milliseconds, "rejected": rejected})
