"""When a branch ends, and when that is announced."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from mesh.branches.expiry import Expiry, rfc3339
from mesh.resources.meshmall.branch import Branch

CREATED = datetime(2026, 5, 1, 12, tzinfo=UTC)


def expiry(expires: str = "", stamp: str = "2026-05-01T12:00:00Z") -> Expiry:
    metadata = {"name": "fox", "creationTimestamp": stamp}
    raw = {"apiVersion": "meshmall.dev/v1", "kind": "Branch", "metadata": metadata, "spec": {"expires": expires}}
    return Expiry.of(msgspec.convert(raw, Branch), "48h", CREATED + timedelta(days=9))


@pytest.mark.parametrize(
    ("expires", "end", "warning"),
    [
        ("", timedelta(hours=48), timedelta(hours=47)),
        ("1h", timedelta(hours=1), timedelta(minutes=54)),
        ("2026-05-01T12:10:00Z", timedelta(minutes=10), timedelta(minutes=9)),
    ],
)
def test_a_tenth_of_its_life_but_at_most_an_hour_is_announced(expires: str, end: timedelta, warning: timedelta) -> None:
    assert expiry(expires) == Expiry(CREATED + end, CREATED + warning)


def test_a_branch_that_is_not_stored_yet_begins_now() -> None:
    assert expiry("1h", "").end == CREATED + timedelta(days=9, hours=1)


def test_moments_are_passed_when_they_come() -> None:
    ends = expiry("10m")
    assert not ends.is_near(ends.warning - timedelta(seconds=1))
    assert ends.is_near(ends.warning)
    assert not ends.is_over(ends.warning)
    assert ends.is_over(ends.end)
    assert [ends.next_after(moment) for moment in (CREATED, ends.warning, ends.end)] == [ends.warning, ends.end, None]
    assert rfc3339(ends.end) == "2026-05-01T12:10:00Z"
