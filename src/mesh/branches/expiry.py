"""When a branch ends, and when that is announced. Pure: the caller passes the time."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Self

from mesh.resources.checks.branch import expiry_time
from mesh.resources.meshmall.branch import Branch

# The end is announced when a tenth of the branch's life is left, at most an hour ahead.
WARNING_SHARE, LONGEST_WARNING = 0.1, timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Expiry:
    """`end` is when the branch is deleted, `warning` when its end is announced."""

    end: datetime
    warning: datetime

    @classmethod
    def of(cls, branch: Branch, default: str, now: datetime) -> Self:
        """`default` is the lifetime of a branch that names none, as in spec.expires ("24h", or a date).

        A branch that has not been stored yet counts as created `now`.
        """
        stamp = branch.metadata.creation_timestamp
        created = datetime.fromisoformat(stamp) if stamp else now
        end = expiry_time(branch.spec.expires or default, created)
        return cls(end, end - min((end - created) * WARNING_SHARE, LONGEST_WARNING))

    def is_near(self, now: datetime) -> bool:
        """Whether the end has to be announced by now."""
        return self.warning <= now

    def is_over(self, now: datetime) -> bool:
        return self.end <= now

    def next_after(self, now: datetime) -> datetime | None:
        """The next moment at which something has to happen; None when there is none left."""
        return next((moment for moment in (self.warning, self.end) if moment > now), None)


def rfc3339(moment: datetime) -> str:
    """A time as Kubernetes writes it, to the second."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
