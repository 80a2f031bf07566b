"""How long a container that ends again and again waits before its next start."""

from dataclasses import dataclass


@dataclass(slots=True)
class Backoff:
    """Kubernetes' rule: at once, then `first`, doubled up to `limit`; anew after a run of `reset` seconds."""

    first: float
    limit: float
    reset: float
    _next: float = 0.0

    def after(self, ran: float) -> float:
        """Seconds to wait before the next start, when the last run took `ran` seconds."""
        if ran >= self.reset:
            self._next = 0.0
        wait = self._next
        self._next = min(self.limit, wait * 2 or self.first)
        return wait
