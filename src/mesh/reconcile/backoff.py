"""How long something that fails repeatedly waits before its next start."""

from dataclasses import dataclass


@dataclass(slots=True)
class Backoff:
    """Kubernetes' rule: start at once, then after `first` seconds, doubled up to `limit`.

    A run of `reset` seconds or more starts over.
    """

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
