"""Named functions a mapping may call: on text columns when records come in, on one text value when a command goes out.

A function sees text and gives text. What it cannot read it passes on unchanged, so that the cast
after it finds the fault and names the value.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from zoneinfo import ZoneInfo

import polars as pl

from canonical.entities import DECIMAL
from canonical.keys import CONFIGURED

ColumnFunction = Callable[[pl.Expr, str], pl.Expr]
"""Text column and the system's timezone → text column."""
ValueFunction = Callable[[str, str], str]
"""Text and the target's timezone → text."""

INSTANT = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]+)?)?(Z|[+-][0-9]{2}:?[0-9]{2})?$"
_OFFSET = r"(Z|[+-][0-9]{2}:?[0-9]{2})$"


def normalise_drawing_number(text: pl.Expr, _timezone: str) -> pl.Expr:
    """`ＤＷ－０００４１７`, `dw000417` and `DW 000417` all become `DW-000417`."""
    bare = text.str.normalize("NFKC").str.to_uppercase().str.replace_all(r"[\s_\p{Pd}]", "")
    return bare.str.replace(r"^([A-Z]+)([0-9]+)$", "${1}-${2}")


def strip(text: pl.Expr, _timezone: str) -> pl.Expr:
    """Without blanks at both ends, the ideographic blank included."""
    return text.str.strip_chars()


def upper(text: pl.Expr, _timezone: str) -> pl.Expr:
    """In capitals."""
    return text.str.to_uppercase()


def lower(text: pl.Expr, _timezone: str) -> pl.Expr:
    """In small letters."""
    return text.str.to_lowercase()


def nfkc(text: pl.Expr, _timezone: str) -> pl.Expr:
    """Full-width letters and digits in their plain form."""
    return text.str.normalize("NFKC")


def date_only(text: pl.Expr, _timezone: str) -> pl.Expr:
    """The date as written in front of a time: `2026-11-22T00:00:00` → `2026-11-22`."""
    return pl.when(text.str.contains(INSTANT)).then(text.str.slice(0, 10)).otherwise(text)


def local_date(text: pl.Expr, timezone: str) -> pl.Expr:
    """The calendar day an instant falls on in the system's timezone."""
    day = utc_instant(text, timezone).dt.convert_time_zone(timezone).dt.strftime("%Y-%m-%d")
    return pl.coalesce(day, text)


def local_to_utc(text: pl.Expr, timezone: str) -> pl.Expr:
    """A time without an offset is the system's own; the result is written in UTC."""
    return pl.coalesce(utc_instant(text, timezone).dt.strftime("%Y-%m-%dT%H:%M:%S%.6fZ"), text)


def percent_to_share(text: pl.Expr, _timezone: str) -> pl.Expr:
    """`2.5` percent → `0.025`."""
    share = text.cast(DECIMAL, strict=False) / pl.lit(100).cast(pl.Decimal(38, 0))
    return pl.coalesce(share.cast(DECIMAL).cast(pl.String), text)


def zero_to_null(text: pl.Expr, _timezone: str) -> pl.Expr:
    """For systems that write 0 where they mean that nothing is given."""
    return pl.when(text.str.contains(r"^[+-]?0+([.]0*)?$")).then(None).otherwise(text)


def decimal_comma(text: pl.Expr, _timezone: str) -> pl.Expr:
    """A number with a decimal comma, thousands apart by points or blanks: `1.234,5` → `1234.5`."""
    plain = text.str.replace_all(r"[\s\u{00a0}\u{202f}]", "")
    grouped = plain.str.contains(r"^[+-]?[0-9]{1,3}([.][0-9]{3})+(,[0-9]+)?$")
    ungrouped = pl.when(grouped).then(plain.str.replace_all(".", "", literal=True)).otherwise(plain)
    said = ungrouped.str.replace(",", ".", literal=True)
    return pl.when(plain.str.contains(r"^[+-]?[0-9]+(,[0-9]+)?$") | grouped).then(said).otherwise(text)


def year_month_day(text: pl.Expr, _timezone: str) -> pl.Expr:
    """A date, with a time or without, its year first: `2026/3/1 08:00` and `20260301` → `2026-03-01`."""
    return _dated(text, r"^([0-9]{4})[./-]?([0-9]{2})[./-]?([0-9]{2})($|[T ])", "${1}-${2}-${3}${4}")


def day_month_year(text: pl.Expr, _timezone: str) -> pl.Expr:
    """A date, with a time or without, its day first: `1.3.2026` and `01/03/2026 08:00` → `2026-03-01`."""
    return _dated(text, r"^([0-9]{2})[./-]([0-9]{2})[./-]([0-9]{4})($|[T ])", "${3}-${2}-${1}${4}")


def month_day_year(text: pl.Expr, _timezone: str) -> pl.Expr:
    """A date, with a time or without, its month first: `3/1/2026 08:00` → `2026-03-01 08:00`."""
    return _dated(text, r"^([0-9]{2})[./-]([0-9]{2})[./-]([0-9]{4})($|[T ])", "${3}-${1}-${2}${4}")


def unix_seconds(text: pl.Expr, _timezone: str) -> pl.Expr:
    """Seconds since 1970: `1772352000` → `2026-03-01T08:00:00.000000Z`."""
    return _since_1970(text, 1_000_000)


def unix_milliseconds(text: pl.Expr, _timezone: str) -> pl.Expr:
    """Milliseconds since 1970, as JavaScript counts."""
    return _since_1970(text, 1_000)


def _dated(text: pl.Expr, written: str, iso: str) -> pl.Expr:
    """A date's parts in ISO's order; single digits get their zero first."""
    twice = text.str.replace(r"^([0-9])([./-])", "0${1}${2}")
    twice = twice.str.replace(r"^([0-9]+[./-])([0-9])([./-])", "${1}0${2}${3}")
    twice = twice.str.replace(r"^([0-9]{4}[./-][0-9]{2}[./-])([0-9])($|[T ])", "${1}0${2}${3}")
    return pl.when(twice.str.contains(written)).then(twice.str.replace(written, iso)).otherwise(text)


def _since_1970(text: pl.Expr, microseconds: int) -> pl.Expr:
    whole = text.str.extract(r"^(-?[0-9]{1,14})$").cast(pl.Int64, strict=False) * microseconds
    return pl.coalesce(pl.from_epoch(whole, "us").dt.strftime("%Y-%m-%dT%H:%M:%S%.6fZ"), text)


def utc_instant(text: pl.Expr, timezone: str) -> pl.Expr:
    """Text → UTC instant; null where it is none. A time that happens twice (clocks go back) is the earlier one."""
    whole = text.str.replace(" ", "T", literal=True).str.replace(r"(T[0-9]{2}:[0-9]{2})($|Z|[+-])", "${1}:00${2}")
    aware = whole.str.replace(r"Z$", "+00:00").str.to_datetime(
        "%Y-%m-%dT%H:%M:%S%.f%z", time_unit="us", time_zone="UTC", strict=False
    )
    naive = (
        whole.str.to_datetime("%Y-%m-%dT%H:%M:%S%.f", time_unit="us", strict=False)
        .dt.replace_time_zone(timezone, ambiguous="earliest", non_existent="null")
        .dt.convert_time_zone("UTC")
    )
    return pl.when(text.str.contains(_OFFSET)).then(aware).otherwise(naive)


COLUMN_FUNCTIONS: dict[str, ColumnFunction] = {
    function.__name__: function
    for function in (
        normalise_drawing_number, strip, upper, lower, nfkc, date_only, local_date, local_to_utc,
        percent_to_share, zero_to_null, decimal_comma, year_month_day, day_month_year, month_day_year,
        unix_seconds, unix_milliseconds,
    )
}  # fmt: skip


def _date_of(text: str, timezone: str) -> str:
    """The calendar day in the target's timezone; a plain date stays."""
    if len(text) == len("2026-11-22"):
        return date.fromisoformat(text).isoformat()
    return _in_zone(text, timezone).date().isoformat()


def _local_time(text: str, timezone: str) -> str:
    """An instant as the target's wall clock shows it, without offset; a plain date is its midnight."""
    if len(text) == len("2026-11-22"):
        return f"{date.fromisoformat(text).isoformat()}T00:00:00"
    return _in_zone(text, timezone).replace(tzinfo=None).isoformat(timespec="seconds")


def _in_zone(text: str, timezone: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment.astimezone(ZoneInfo(timezone)) if moment.tzinfo else moment


def _configuration_of(text: str, _timezone: str) -> str:
    """The digest of a configured item's golden id, by which its BOM is told apart; nothing for any other item."""
    return text.partition(CONFIGURED)[2]


VALUE_FUNCTIONS: dict[str, ValueFunction] = {
    "date_only": _date_of,
    "local_time": _local_time,
    "configuration_of": _configuration_of,
    "strip": lambda text, _: text.strip(),
    "upper": lambda text, _: text.upper(),
    "lower": lambda text, _: text.lower(),
}
