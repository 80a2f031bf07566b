"""Cron schedules: what they mean, and what is none."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from mesh.resources.values import cron

BERLIN = ZoneInfo("Europe/Berlin")


def times(text: str, after: str, count: int, zone: ZoneInfo | None = None) -> list[str]:
    schedule = cron.parse(text)
    moment = datetime.fromisoformat(after)
    shown = []
    for _ in range(count):
        following = schedule.next(moment, zone or ZoneInfo("UTC"))
        assert following is not None
        moment = following
        shown.append(moment.astimezone(zone or UTC).strftime("%m-%d %H:%M"))
    return shown


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("*/20 * * * *", ["01-01 00:20", "01-01 00:40", "01-01 01:00"]),
        ("5/30 * * * *", ["01-01 00:05", "01-01 00:35", "01-01 01:05"]),
        ("0 9-17/4 * * *", ["01-01 09:00", "01-01 13:00", "01-01 17:00"]),
        ("30 6 * * mon-wed", ["01-05 06:30", "01-06 06:30", "01-07 06:30"]),
        # 1 January 2026 is a Thursday. Both kinds of days restricted: either is enough.
        ("0 0 13 * FRI", ["01-02 00:00", "01-09 00:00", "01-13 00:00"]),
        # A step of a star restricts nothing on its own, but counts as a restriction.
        ("0 0 */10 * mon", ["01-05 00:00", "01-11 00:00", "01-12 00:00"]),
        ("0 0 ? 3,jun *", ["03-01 00:00", "03-02 00:00", "03-03 00:00"]),
        ("@monthly", ["02-01 00:00", "03-01 00:00", "04-01 00:00"]),
        ("@every 90m", ["01-01 01:30", "01-01 03:00", "01-01 04:30"]),
    ],
)
def test_a_schedule_says_when_it_is_due(text: str, expected: list[str]) -> None:
    assert times(text, "2026-01-01T00:00:00+00:00", 3) == expected


def test_a_time_that_the_clock_skips_is_not_due_that_day() -> None:
    assert times("30 2 * * *", "2026-03-28T00:00:00+00:00", 3, BERLIN) == ["03-28 02:30", "03-30 02:30", "03-31 02:30"]


def test_a_time_that_the_clock_shows_twice_is_due_twice() -> None:
    assert times("30 2 * * *", "2026-10-24T12:00:00+00:00", 3, BERLIN) == ["10-25 02:30", "10-25 02:30", "10-26 02:30"]


def test_a_date_that_never_comes_is_never_due() -> None:
    assert cron.parse("0 0 30 2 *").next(datetime(2026, 1, 1, tzinfo=UTC), UTC) is None


@pytest.mark.parametrize("text", ["* * * * *", "0 * * * *", "0 3 * * *", "0 0 1 * *", "@every 7m"])
def test_the_most_recent_time_is_the_last_one_that_following_them_all_finds(text: str) -> None:
    schedule, zone = cron.parse(text), ZoneInfo("UTC")
    earliest, now = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 3, 2, 10, 17, 30, tzinfo=UTC)
    all_times = [earliest]
    while (following := schedule.next(all_times[-1], zone)) is not None and following <= now:
        all_times.append(following)
    assert all(one < other for one, other in pairwise(all_times))
    assert cron.most_recent(schedule, earliest, now, zone) == all_times[-1]
    assert cron.most_recent(schedule, now - timedelta(seconds=1), now, zone) is None


@pytest.mark.parametrize(
    "text",
    [
        "", "* * * *", "* * * * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * * 13 *", "* * * * 7", "*/0 * * * *",
        "5-1 * * * *", "a * * * *", "@sometimes", "@every soon", "1-2-3 * * * *", "* * * foo *",
    ],
)  # fmt: skip
def test_what_is_no_schedule_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        cron.parse(text)
