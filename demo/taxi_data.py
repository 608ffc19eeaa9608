"""Generate taxi trips with the schema of the 2019-2021 TLC files, the same bytes for the same seed.

Every value is drawn from md5 of (seed, file, stream, row), so a row depends on nothing but its
place: files can be made in any order, in parallel, and of any size, and still agree. The rows keep
the oddities that make loading real files interesting: meters with a wrong clock, voided rides that
come back with negative amounts, groups of fields that went missing together, quoted text.
"""

import argparse
import gzip
import math
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

import duckdb

YELLOW_COLUMNS = (
    "VendorID",
    "tpep_pickup_datetime",
    "tpep_dropoff_datetime",
    "passenger_count",
    "trip_distance",
    "RatecodeID",
    "store_and_fwd_flag",
    "PULocationID",
    "DOLocationID",
    "payment_type",
    "fare_amount",
    "extra",
    "mta_tax",
    "tip_amount",
    "tolls_amount",
    "improvement_surcharge",
    "total_amount",
    "congestion_surcharge",
)
GREEN_COLUMNS = (
    "VendorID",
    "lpep_pickup_datetime",
    "lpep_dropoff_datetime",
    "store_and_fwd_flag",
    "RatecodeID",
    "PULocationID",
    "DOLocationID",
    "passenger_count",
    "trip_distance",
    "fare_amount",
    "extra",
    "mta_tax",
    "tip_amount",
    "tolls_amount",
    "ehail_fee",
    "improvement_surcharge",
    "total_amount",
    "payment_type",
    "trip_type",
    "congestion_surcharge",
)
COLUMNS = {"yellow": YELLOW_COLUMNS, "green": GREEN_COLUMNS}
MONTHS = tuple(f"{2019 + k // 12}-{k % 12 + 1:02}" for k in range(31))  # 2019-01 to 2021-07
ZONES = Path(__file__).resolve().parent.parent / "dbt" / "taxi" / "seeds" / "taxi_zones.csv"
DEFAULT_ROWS = 100_000
DEFAULT_SEED = 2019

# Share of a day's pickups in each hour, from midnight on: quiet before dawn, busiest at 18:00.
HOURS = (
    33,
    24,
    17,
    12,
    9,
    10,
    21,
    36,
    45,
    46,
    45,
    47,
    50,
    50,
    53,
    55,
    50,
    57,
    66,
    62,
    55,
    55,
    54,
    45,
)
# How many of a table's 4096 slots a zone gets, by what kind of zone it is.
WEIGHTS = {
    "yellow": {"Yellow Zone": 300, "Boro Zone": 12, "Airports": 300, "EWR": 6, "N/A": 40},
    "green": {"Yellow Zone": 15, "Boro Zone": 60, "Airports": 60, "EWR": 2, "N/A": 20},
}
SLOTS = 4096


@dataclass(frozen=True)
class TripFile:
    """One month of one taxi colour, as the TLC publishes it."""

    taxi: str
    month: str
    rows: int = DEFAULT_ROWS
    seed: int = DEFAULT_SEED

    def __post_init__(self) -> None:
        if self.taxi not in COLUMNS:
            raise ValueError(f"taxi must be one of {', '.join(COLUMNS)}, not {self.taxi!r}")
        if self.month not in MONTHS:
            raise ValueError(f"month must be {MONTHS[0]} to {MONTHS[-1]}, not {self.month!r}")
        if self.rows < 0:
            raise ValueError(f"rows must not be negative, not {self.rows}")

    @property
    def name(self) -> str:
        return f"{self.taxi}_tripdata_{self.month}.csv"


def write(trips: TripFile, path: Path) -> Path:
    """Write the file to `path`, gzipped if that ends in .gz; nobody ever sees half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".making-") as folder:
        plain, draft = Path(folder) / trips.name, Path(folder) / "draft"
        with duckdb.connect() as database:
            _prepare(database, trips)
            options = "format csv, header false, force_quote (store_and_fwd_flag)"
            options += ", timestampformat '%Y-%m-%d %H:%M:%S'"
            database.execute(f"copy ({trips_sql(trips)}) to '{plain}' ({options})")
        with plain.open("rb") as body, _opened(draft, gzipped=path.suffix == ".gz") as file:
            file.write((",".join(COLUMNS[trips.taxi]) + "\n").encode())
            shutil.copyfileobj(body, file, 1 << 20)
        draft.replace(path)
    return path


@contextmanager
def _opened(path: Path, *, gzipped: bool) -> Iterator[IO[bytes]]:
    with path.open("wb") as raw:
        if not gzipped:
            yield raw
            return
        # No name and no time in the header, or the same rows would not be the same bytes.
        with gzip.GzipFile("", "wb", compresslevel=3, fileobj=raw, mtime=0) as file:
            yield cast("IO[bytes]", file)


def is_made(trips: TripFile, directory: Path) -> bool:
    """Whether `directory` holds this very file, gzipped."""
    return (directory / f"{trips.name}.gz").exists() and _stamp(trips, directory).exists()


def ensure(trips: TripFile, directory: Path) -> Path:
    """The gzipped file in `directory`, made unless the same one is already there."""
    path = directory / f"{trips.name}.gz"
    if not is_made(trips, directory):
        write(trips, path)
        for old in directory.glob(f".{trips.name}.*"):
            old.unlink()
        _stamp(trips, directory).touch()
    return path


def _stamp(trips: TripFile, directory: Path) -> Path:
    return directory / f".{trips.name}.{trips.rows}.{trips.seed}"


def _prepare(database: duckdb.DuckDBPyConnection, trips: TripFile) -> None:
    database.execute("set preserve_insertion_order = true")
    for name, values in (
        ("hours", _spread(enumerate(HOURS), SLOTS)),
        ("zones", _spread(_zone_weights(trips.taxi), SLOTS)),
    ):
        database.execute(
            f"create table {name} as select * from values {_values(values)} v(slot, value)"
        )
    database.execute("create table zone_kinds (id integer, kind varchar)")
    database.execute(
        "insert into zone_kinds select location_id, service_zone from read_csv(?, header = true)",
        [str(ZONES)],
    )
    database.execute(
        "create macro bits(stream, row) as md5_number_lower("
        f"concat('{trips.seed}/{trips.taxi}/{trips.month}/', stream, '/', row))"
    )
    # The k-th 16 bits of a 64-bit draw, as a number in [0, 1).
    database.execute("create macro u(h, k) as ((h >> (16 * k)) & 65535) / 65536.0")
    # The lower (k = 0) or upper (k = 1) 32 bits, for draws that need to be finer.
    database.execute("create macro fine(h, k) as ((h >> (32 * k)) & 4294967295) / 4294967296.0")


def _zone_weights(taxi: str) -> Iterator[tuple[int, int]]:
    """Zones of a kind differ in how busy they are, by a fixed but uneven factor of 1 to 9."""
    with duckdb.connect() as database:
        zones = database.execute(
            "select location_id, service_zone from read_csv(?, header = true) order by 1",
            [str(ZONES)],
        ).fetchall()
    for zone, kind in zones:
        yield zone, WEIGHTS[taxi][kind] * (1 + (zone * 7919) % 9)


def _spread(weighted: Iterator[tuple[int, int]] | enumerate[int], slots: int) -> list[int]:
    """Fill a table of slots in proportion to the weights, so that a draw is one look-up."""
    pairs = list(weighted)
    total = sum(weight for _, weight in pairs)
    bounds, reached = [], 0
    for value, weight in pairs:
        reached += weight
        bounds.append((value, math.ceil(slots * reached / total)))
    filled: list[int] = []
    for value, bound in bounds:
        filled.extend([value] * (bound - len(filled)))
    return filled[:slots]


def _values(values: Sequence[int]) -> str:
    return ", ".join(f"({slot}, {value})" for slot, value in enumerate(values))


def trips_sql(trips: TripFile) -> str:
    """The query whose rows are the file, in the file's order."""
    pickup, dropoff = COLUMNS[trips.taxi][1:3]
    renamed = {pickup: "pickup", dropoff: "dropoff"}
    chosen = ", ".join(f'{renamed.get(name, name)} as "{name}"' for name in COLUMNS[trips.taxi])
    return f"""
with {_draws(trips)},
{_rides(trips)},
{_priced(trips)},
{_published(trips)}
select {chosen} from published order by clock, row"""


def _draws(trips: TripFile) -> str:
    # A void (3 in 1000) repeats the ride before it: same draws, negated money.
    return f"""
rows as (
  select row, oddity, u(oddity, 0) < 0.003 and row > 0 as void
  from (select range as row, bits('oddity', range) as oddity from range({trips.rows}))
),
draws as (
  select row, oddity, void, bits('a', source) as a, bits('b', source) as b,
    bits('c', source) as c, bits('d', source) as d
  from (select row, oddity, void, case when void then row - 1 else row end as source from rows)
)"""


def _rides(trips: TripFile) -> str:
    """Where, when and how far; 1 clock of 2000 is wrong by a month or by years."""
    median, vendors = (1.6, "when u(b, 1) < 0.003 then 4") if trips.taxi == "yellow" else (1.9, "")
    return f"""
rides as (
  select draws.*, pu.value as PULocationID, dl.value as DOLocationID,
    pk.kind as pu_kind, dk.kind as do_kind,
    case {vendors} when u(b, 1) < 0.37 then 1 else 2 end as VendorID,
    date '{trips.month}-01' + to_days(cast(floor(fine(a, 0) * days) as integer))
      + to_hours(cast(hours.value as integer)) + to_seconds(floor(fine(b, 1) * 3600)) as clock,
    round(case
      when u(c, 0) < 0.007 then 0
      when pk.kind = 'Airports' or dk.kind = 'Airports' then 8 + 12 * u(c, 1)
      else least(45, greatest(0.05,
        {median} * exp(0.75 * sqrt(-2 * ln(1 - u(c, 1))) * cos(2 * pi() * u(c, 2)))))
    end, 2) as distance
  from draws
  cross join (select day(last_day(date '{trips.month}-01')) as days) calendar
  join hours on hours.slot = (a >> 32) & {SLOTS - 1}
  join zones pu on pu.slot = (a >> 48) & {SLOTS - 1}
  join zones dl on dl.slot = b & {SLOTS - 1}
  join zone_kinds pk on pk.id = pu.value
  join zone_kinds dk on dk.id = dl.value
),
timed as (
  select *,
    case
      when u(d, 0) < 0.0002 then clock - interval 11 year
      when u(d, 0) < 0.0004 then clock - interval 1 month
      when u(d, 0) < 0.0005 then clock + interval 1 month
      else clock
    end as pickup,
    case
      when u(d, 1) < 0.001 then 86000 + floor(u(d, 2) * 390)
      else greatest(20, floor(distance / (7 + 15 * u(d, 2)) * 3600) + floor(u(c, 3) * 180))
    end as seconds,
    hour(clock) as pickup_hour,
    isodow(clock) < 6 as weekday
  from rides
)"""


def _priced(trips: TripFile) -> str:
    """What it cost: tariffs by rate code, surcharges by hour and zone, tips on cards only."""
    street = "0.03" if trips.taxi == "green" else "0.004"
    surcharge = 2.5 if trips.taxi == "yellow" else 2.75
    return f"""
rated as (
  select *,
    case
      when {_is_jfk()} and u(d, 3) < 0.8 then 2
      when 'EWR' in (pu_kind, do_kind) then 3
      when u(c, 3) < {street} then 5
      when u(c, 3) > 0.999 then 4
      when u(c, 3) > 0.99895 then 6
      else 1
    end as RatecodeID,
    case
      when u(d, 2) < 0.70 then 1 when u(d, 2) < 0.988 then 2 when u(d, 2) < 0.995 then 3
      when u(d, 2) < 0.9998 then 4 else 5
    end as payment_type
  from timed
),
fares as (
  select *,
    case RatecodeID
      when 2 then 52.0
      when 5 then round(12 + 90 * u(c, 2), 2)
      else 2.5 + 0.5 * floor(least(distance * 4, 200) + least(seconds, 7200) / 360)
        + case RatecodeID when 3 then 15 else 0 end
    end as fare,
    case
      when RatecodeID = 5 then 0
      when pickup_hour >= 20 or pickup_hour < 6 then 0.5
      when weekday and pickup_hour between 16 and 19 then 1.0
      else 0
    end as extra,
    case when RatecodeID in (3, 5) then 0 else 0.5 end as mta_tax,
    0.3 as improvement,
    case
      when u(b, 2) < 0.04 or pu_kind = 'Airports' and u(b, 2) < 0.4 then 6.12
      when u(b, 2) > 0.998 then round(2 + 20 * u(c, 1), 2)
      else 0
    end as tolls,
    case
      when '{trips.month}' < '2019-02' then case when u(d, 3) < 0.35 then 0 end
      when 'Yellow Zone' in (pu_kind, do_kind) then {surcharge}
      else 0
    end as congestion
  from rated
),
tipped as (
  select *,
    case
      when payment_type = 1 and u(b, 3) < 0.95 then round(fare * (0.10 + 0.18 * u(c, 2)), 2)
      else 0
    end as tip,
    case when void then -1 else 1 end as sign
  from fares
)"""


def _is_jfk() -> str:
    city = "'Yellow Zone'"
    return f"(PULocationID = 132 and do_kind = {city} or DOLocationID = 132 and pu_kind = {city})"


def _published(trips: TripFile) -> str:
    """The columns as published: money to the cent; 4 rows in 1000 lost half their fields."""
    lost = "u(oddity, 1) < 0.004"
    congestion = f"case when {lost} then null else cast(sign * congestion as decimal(6, 2)) end"
    total = "fare + extra + mta_tax + improvement + tolls + coalesce(congestion, 0)"
    return f"""
published as (
  select row, clock, pickup, pickup + to_seconds(cast(seconds as integer)) as dropoff,
    PULocationID, DOLocationID,
    case when {lost} then null else VendorID end as VendorID,
    case when {lost} then null else RatecodeID end as RatecodeID,
    case when {lost} then null when u(c, 0) > 0.994 then 'Y' else 'N' end as store_and_fwd_flag,
    case
      when {lost} then null
      when u(a, 3) < 0.72 then 1 when u(a, 3) < 0.87 then 2 when u(a, 3) < 0.91 then 3
      when u(a, 3) < 0.93 then 4 when u(a, 3) < 0.97 then 5 when u(a, 3) < 0.993 then 6 else 0
    end as passenger_count,
    case when {lost} then null when void then 3 + row % 2 else payment_type end as payment_type,
    case when {lost} then null when RatecodeID = 5 then 2 else 1 end as trip_type,
    cast(null as decimal(6, 2)) as ehail_fee,
    cast(distance as decimal(8, 2)) as trip_distance,
    cast(sign * fare as decimal(10, 2)) as fare_amount,
    cast(sign * extra as decimal(6, 2)) as extra,
    cast(sign * mta_tax as decimal(6, 2)) as mta_tax,
    cast(case when void then 0 else tip end as decimal(10, 2)) as tip_amount,
    cast(sign * tolls as decimal(10, 2)) as tolls_amount,
    cast(sign * improvement as decimal(6, 2)) as improvement_surcharge,
    cast(sign * ({total}) + case when void then 0 else tip end as decimal(10, 2)) as total_amount,
    {congestion} as congestion_surcharge
  from tipped
)"""


def _months(texts: Sequence[str]) -> list[str]:
    """Months named one by one or as ranges such as 2019-01..2019-04."""
    chosen: list[str] = []
    for text in texts:
        first, _, last = text.partition("..")
        last = last or first
        if first not in MONTHS or last not in MONTHS or last < first:
            raise ValueError(
                f"{text!r} is no month or range of months in {MONTHS[0]}..{MONTHS[-1]}"
            )
        chosen += [month for month in MONTHS if first <= month <= last]
    return chosen


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Generate taxi trips as CSV files.")
    parser.add_argument("--taxi", choices=[*COLUMNS, "both"], default="yellow")
    parser.add_argument("--month", nargs="+", default=["2019-01"], metavar="YYYY-MM[..YYYY-MM]")
    parser.add_argument("--rows", type=int, default=DEFAULT_ROWS)
    parser.add_argument("--seed", type=int, default=DEFAULT_SEED)
    parser.add_argument("--out", type=Path, default=Path())
    parser.add_argument("--plain", action="store_true", help="do not compress")
    options = parser.parse_args(arguments)
    taxis = list(COLUMNS) if options.taxi == "both" else [options.taxi]
    try:
        wanted = [
            TripFile(taxi, month, options.rows, options.seed)
            for taxi in taxis
            for month in _months(options.month)
        ]
    except ValueError as problem:
        parser.error(str(problem))
    for trips in wanted:
        started = time.monotonic()
        path = write(trips, options.out / (trips.name + ("" if options.plain else ".gz")))
        size, seconds = path.stat().st_size / 1e6, time.monotonic() - started
        sys.stdout.write(f"{path}  {trips.rows:,} rows  {size:.1f} MB  {seconds:.1f} s\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
