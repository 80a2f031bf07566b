"""Cron schedules as Kubernetes reads them (github.com/robfig/cron/v3, ParseStandard): five fields, macros, @every."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import NamedTuple

from mesh.resources.values.durations import seconds

FIELDS = 5
LONGEST_SEARCH = timedelta(days=5 * 366)
MINUTE = timedelta(minutes=1)

MACROS = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
MONTH_NAMES = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
WEEKDAY_NAMES = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
MONTHS = {name: number for number, name in enumerate(MONTH_NAMES, start=1)}
WEEKDAYS = {name: number for number, name in enumerate(WEEKDAY_NAMES)}


class _Bounds(NamedTuple):
    """The values of a field, and the names that stand for some of them."""

    first: int
    last: int
    names: Mapping[str, int] = {}


MINUTES, HOURS, DAYS = _Bounds(0, 59), _Bounds(0, 23), _Bounds(1, 31)
MONTH_BOUNDS, WEEKDAY_BOUNDS = _Bounds(1, 12, MONTHS), _Bounds(0, 6, WEEKDAYS)


@dataclass(frozen=True, slots=True)
class Schedule:
    """When something is due. With `every` (a span of time) the other fields mean nothing."""

    minutes: frozenset[int] = frozenset()
    hours: frozenset[int] = frozenset()
    days: frozenset[int] = frozenset()
    months: frozenset[int] = frozenset()
    weekdays: frozenset[int] = frozenset()
    any_day: bool = True
    any_weekday: bool = True
    every: timedelta | None = None

    def next(self, after: datetime, zone: tzinfo | None) -> datetime | None:
        """The first time after a moment, in UTC; None when none comes within five years (30 February).

        The fields mean the clock of `zone`, None: of this machine. A time that the clock skips in spring is not
        due that day, one that it shows twice in autumn is due twice.
        """
        if self.every is not None:
            return after.replace(microsecond=0) + self.every
        moment = after.astimezone(UTC).replace(second=0, microsecond=0) + MINUTE
        end = moment + LONGEST_SEARCH
        while moment < end:
            clock = moment.astimezone(zone)
            if clock.month not in self.months or not self._on(clock):
                moment = _next_midnight(moment, clock, zone)
            elif clock.hour not in self.hours:
                moment += MINUTE * (60 - clock.minute)
            elif clock.minute not in self.minutes:
                moment += MINUTE
            else:
                return moment
        return None

    def _on(self, clock: datetime) -> bool:
        """Whether the day fits: with both kinds of days restricted, either is enough (crontab(5))."""
        day, weekday = clock.day in self.days, clock.isoweekday() % 7 in self.weekdays
        return day and weekday if self.any_day or self.any_weekday else day or weekday


def _next_midnight(moment: datetime, clock: datetime, zone: tzinfo | None) -> datetime:
    tomorrow = clock.date() + timedelta(days=1)
    midnight = datetime(tomorrow.year, tomorrow.month, tomorrow.day, tzinfo=zone)
    # Where the clock skips midnight, the conversion gives the moment at which it does.
    return max(midnight.astimezone(UTC), moment + MINUTE)


def most_recent(schedule: Schedule, earliest: datetime, now: datetime, zone: tzinfo | None) -> datetime | None:
    """The last time that is after `earliest` and not after `now`; None when there is none."""
    # From short spans to long ones: a schedule of every minute that nobody ran for a year has half a million times.
    for span in (timedelta(hours=1), timedelta(days=1), timedelta(days=32), LONGEST_SEARCH):
        # A span of @every counts from its beginning, which therefore has to stay.
        begin = earliest if schedule.every is not None else max(earliest, now - span)
        last: datetime | None = None
        if schedule.every is not None:
            missed = (now - begin) // schedule.every
            return begin + missed * schedule.every if missed > 0 else None
        time = schedule.next(begin, zone)
        while time is not None and time <= now:
            last = time
            time = schedule.next(time, zone)
        if last is not None or begin == earliest:
            return last
    return None


def parse(text: str) -> Schedule:
    """Reads a schedule. Raises ValueError, which says what is wrong."""
    text = text.strip()
    if text.startswith("@every "):
        return Schedule(every=timedelta(seconds=max(1, int(seconds(text.removeprefix("@every ").strip())))))
    if text.startswith("@") and text not in MACROS:
        raise ValueError(f'"{text[:80]}" is not a macro; use {", ".join(MACROS)} or @every with a duration')
    parts = MACROS.get(text, text).split()
    if len(parts) != FIELDS:
        raise ValueError(f"expected exactly {FIELDS} fields, found {len(parts)}: [{' '.join(parts)[:80]}]")
    minute, hour, day, month, weekday = parts
    days, any_day = _field(day, DAYS)
    weekdays, any_weekday = _field(weekday, WEEKDAY_BOUNDS)
    return Schedule(
        minutes=_field(minute, MINUTES)[0],
        hours=_field(hour, HOURS)[0],
        days=days,
        months=_field(month, MONTH_BOUNDS)[0],
        weekdays=weekdays,
        any_day=any_day,
        any_weekday=any_weekday,
    )


def _field(text: str, bounds: _Bounds) -> tuple[frozenset[int], bool]:
    """The values of a field, and whether it restricts nothing. Raises ValueError."""
    values: set[int] = set()
    unrestricted = False
    for part in text.split(","):
        numbers, is_any = _range(part, bounds)
        values.update(numbers)
        unrestricted = unrestricted or is_any
    return frozenset(values), unrestricted


def _range(text: str, bounds: _Bounds) -> tuple[range, bool]:
    """`*`, `*/5`, `3`, `3/5`, `1-5` or `1-5/2`. Raises ValueError."""
    span, slash, step_text = text.partition("/")
    step = _number(step_text, {}) if slash else 1
    first_text, dash, last_text = span.partition("-")
    if first_text in ("*", "?") and not dash:
        first, last = bounds.first, bounds.last
    else:
        first = _number(first_text, bounds.names)
        # "3/5" means from 3 on.
        last = _number(last_text, bounds.names) if dash else (bounds.last if slash else first)
    if first < bounds.first:
        raise ValueError(f"{text}: {first} is below {bounds.first}")
    if last > bounds.last:
        raise ValueError(f"{text}: {last} is above {bounds.last}")
    if first > last:
        raise ValueError(f"{text}: begins after its end")
    if step < 1:
        raise ValueError(f"{text}: the step is not positive")
    return range(first, last + 1, step), first_text in ("*", "?") and step == 1


def _number(text: str, names: Mapping[str, int]) -> int:
    if (number := names.get(text.lower())) is not None:
        return number
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise ValueError(f'"{text[:80]}" is not a number')
    return int(text)
