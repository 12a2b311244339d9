"""Working calendars as people write them: one YAML file each, with the public holidays of a country.

    zone: Asia/Shanghai
    week: {mon-fri: ["08:00-12:00", "13:00-17:00"]}
    holidays: CN                       # public holidays and moved working days, from the `holidays` library
    moved_days_like: mon               # a Sunday made a working day has Monday's shifts
    exceptions:                        # what the library does not know, or this plant does otherwise
      - {from: 2027-02-04, to: 2027-02-12, shifts: [], why: Spring Festival shutdown}

An exception wins over a holiday, a later exception over an earlier one. A rule names a calendar by its file's
name (`calendar: office`); a deployment may put another in its place.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, time, timedelta
from functools import lru_cache
from itertools import chain
from pathlib import Path
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field

from canonical.calendars import DAY, Shift, Shifts, WorkingCalendar
from canonical.errors import ConfigurationError, Fault
from canonical.strict_yaml import Document, Path_, load_document, suggest

CALENDARS = Path(__file__).parent / "working_calendars"
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
YEARS = range(2020, 2041)
"""The years whose public holidays a calendar knows; beyond them only its week and its exceptions count."""
LONGEST_EXCEPTION = timedelta(days=400)


class _Closed(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class DatedShifts(_Closed):
    """Days that differ from the week and from the holidays; without shifts nobody works."""

    first: date = Field(alias="from")
    last: date | None = Field(default=None, alias="to")
    shifts: tuple[str, ...] = ()
    why: str


class CalendarFile(_Closed):
    """One calendar as its file says it."""

    why: dict[str, str]
    zone: str
    week: dict[str, tuple[str, ...]]
    holidays: str | None = None
    """ISO code of a country, with its part where one is meant: `CN`, `DE-BY`."""
    moved_days_like: str = "mon"
    exceptions: tuple[DatedShifts, ...] = ()


@dataclass(frozen=True, slots=True)
class _Faults:
    """What is wrong with one file, gathered while it is read."""

    document: Document
    found: list[Fault]

    def add(self, path: Path_, message: str, hint: str | None = None) -> None:
        """One more, at its place."""
        self.found.append(self.document.fault(path, message, hint))


def load_calendars(folder: Path = CALENDARS) -> dict[str, WorkingCalendar]:
    """Every calendar of a folder by name; all faults of all files are raised together."""
    found: dict[str, WorkingCalendar] = {}
    errors: list[ConfigurationError] = []
    for path in sorted(folder.glob("*.yaml")):
        try:
            found[path.stem] = load_calendar(path)
        except ConfigurationError as error:
            errors.append(error)
    if errors:
        raise ConfigurationError.joined(errors)
    return found


def load_calendar(path: Path) -> WorkingCalendar:
    """One calendar; raises `ConfigurationError` with every fault and its place."""
    shown = f"rules/working_calendars/{path.name}" if path.parent == CALENDARS else str(path)
    file, document = load_document(path, CalendarFile, shown_as=shown)
    faults = _Faults(document, [])
    zone = _zone(file.zone, faults)
    week = _week(file, faults)
    days = {**_holidays(file, week, faults), **_exceptions(file, faults)}
    if not faults.found and not any(week) and not any(days.values()):
        faults.add(("week",), "nobody ever works by this calendar")
    if faults.found:
        raise ConfigurationError(faults=tuple(faults.found))
    return WorkingCalendar(path.stem, zone, week, days)


def _zone(name: str, faults: _Faults) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        faults.add(("zone",), f"no time zone {name!r}", "write it as Asia/Shanghai")
        return ZoneInfo("UTC")


def _week(file: CalendarFile, faults: _Faults) -> tuple[Shifts, ...]:
    week: dict[str, Shifts] = {}
    for named, texts in file.week.items():
        shifts = _shifts(texts, ("week", named), faults)
        for weekday in _weekdays(named, faults):
            if weekday in week:
                faults.add(("week", named), f"{weekday} stands twice")
            week[weekday] = shifts
    return tuple(week.get(weekday, ()) for weekday in WEEKDAYS)


def _weekdays(named: str, faults: _Faults) -> tuple[str, ...]:
    """`mon-fri` → its five days."""
    first, _, last = named.partition("-")
    last = last or first
    if first not in WEEKDAYS or last not in WEEKDAYS or WEEKDAYS.index(last) < WEEKDAYS.index(first):
        faults.add(("week", named), f"{named!r} is no weekday", f"use {', '.join(WEEKDAYS)}, or a range as mon-fri")
        return ()
    return WEEKDAYS[WEEKDAYS.index(first) : WEEKDAYS.index(last) + 1]


def _shifts(texts: tuple[str, ...], path: Path_, faults: _Faults) -> Shifts:
    found: list[Shift] = []
    for number, text in enumerate(texts):
        begin, _, end = text.partition("-")
        try:
            found.append(Shift(_time(begin), _time(end)))
        except ValueError:
            faults.add((*path, number), f"{text!r} is no shift", 'write it as "08:00-12:00"')
    return tuple(found)


def _time(text: str) -> time:
    """A local time; 24:00 is the end of the day."""
    return time(0) if text.strip() == "24:00" else time.fromisoformat(text.strip())


def _holidays(file: CalendarFile, week: tuple[Shifts, ...], faults: _Faults) -> Mapping[date, Shifts]:
    if file.moved_days_like not in WEEKDAYS:
        hint = suggest(file.moved_days_like, WEEKDAYS)
        faults.add(("moved_days_like",), f"{file.moved_days_like!r} is no weekday", hint)
        return {}
    if file.holidays is None:
        return {}
    if not has_public_holidays(file.holidays):
        faults.add(("holidays",), f"no public holidays known for {file.holidays!r}", "use an ISO code as CN or DE-BY")
        return {}
    free, moved = public_holidays(file.holidays)
    like = week[WEEKDAYS.index(file.moved_days_like)]
    return {**dict.fromkeys(free, ()), **dict.fromkeys(moved, like)}


@lru_cache
def has_public_holidays(place: str) -> bool:
    """Whether a country, or its part, is one whose public holidays are known."""
    import holidays  # noqa: PLC0415 - loads a module a country

    country, _, part = place.partition("-")
    parts = holidays.list_supported_countries().get(country)
    return parts is not None and (not part or part in parts)


@lru_cache
def public_holidays(place: str) -> tuple[frozenset[date], frozenset[date]]:
    """Days off and moved working days of a country or its part in `YEARS`, of one that `has_public_holidays`."""
    import holidays  # noqa: PLC0415 - loads a module a country

    country, _, part = place.partition("-")
    known = holidays.country_holidays(country, subdiv=part or None, years=YEARS)
    moved = frozenset(day for day in known.weekend_workdays if day.year in YEARS)
    return frozenset(known) - moved, moved


def _exceptions(file: CalendarFile, faults: _Faults) -> dict[date, Shifts]:
    return dict(chain.from_iterable(_exception(one, at, faults) for at, one in enumerate(file.exceptions)))


def _exception(one: DatedShifts, at: int, faults: _Faults) -> Iterator[tuple[date, Shifts]]:
    last = one.last or one.first
    if not timedelta(0) <= last - one.first <= LONGEST_EXCEPTION:
        message = f"from {one.first} to {last}: an exception is 1 to {LONGEST_EXCEPTION.days} days"
        faults.add(("exceptions", at), message)
        return
    shifts = _shifts(one.shifts, ("exceptions", at, "shifts"), faults)
    for number in range((last - one.first).days + 1):
        yield one.first + DAY * number, shifts
