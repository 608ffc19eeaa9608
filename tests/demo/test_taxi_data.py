"""The generated trips: the published schema, believable values, and the same bytes every time."""

import csv
import gzip
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from demo import taxi_data
from demo.taxi_data import COLUMNS, TripFile, ensure, write

Connection = duckdb.DuckDBPyConnection


@pytest.fixture(scope="module", params=["yellow", "green"])
def trips(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Connection]:
    taxi: str = request.param
    file = write(TripFile(taxi, "2019-03", 20_000), tmp_path_factory.mktemp(taxi) / "trips.csv")
    with duckdb.connect() as database:
        names = f"{COLUMNS[taxi][1]} as pickup, {COLUMNS[taxi][2]} as dropoff"
        database.execute(f"create table trips as select *, {names} from read_csv('{file}')")
        yield database


def one(database: Connection, question: str) -> object:
    row = database.execute(question).fetchone()
    assert row is not None
    return row[0]


@pytest.mark.parametrize("taxi", ["yellow", "green"])
def test_a_file_has_the_published_columns_in_the_published_order(taxi: str, tmp_path: Path) -> None:
    path = write(TripFile(taxi, "2020-02", 50), tmp_path / "trips.csv.gz")
    with gzip.open(path, "rt", newline="") as file:
        rows = list(csv.reader(file))
    assert tuple(rows[0]) == COLUMNS[taxi]
    assert len(rows) == 51
    assert {len(row) for row in rows} == {18 if taxi == "yellow" else 20}


def test_the_same_seed_gives_the_same_bytes_and_another_seed_other_ones(tmp_path: Path) -> None:
    first = write(TripFile("yellow", "2019-01", 500), tmp_path / "a.csv.gz").read_bytes()
    again = write(TripFile("yellow", "2019-01", 500), tmp_path / "b.csv.gz").read_bytes()
    other = write(TripFile("yellow", "2019-01", 500, seed=7), tmp_path / "c.csv.gz").read_bytes()
    assert first == again
    assert first != other


def test_a_longer_file_contains_every_ride_of_a_shorter_one(tmp_path: Path) -> None:
    short = (
        write(TripFile("green", "2020-05", 200), tmp_path / "short.csv").read_text().splitlines()
    )
    long = write(TripFile("green", "2020-05", 400), tmp_path / "long.csv").read_text().splitlines()
    assert Counter(short) <= Counter(long)


def test_text_is_quoted_and_missing_values_are_empty_without_quotes(tmp_path: Path) -> None:
    path = write(TripFile("yellow", "2019-03", 3000), tmp_path / "trips.csv")
    flags = {line.split(",")[6] for line in path.read_text().splitlines()[1:]}
    assert flags == {'"N"', '"Y"', ""}


def test_money_and_distances_stay_in_ranges_a_meter_could_show(trips: Connection) -> None:
    assert one(
        trips,
        """select bool_and(
             abs(fare_amount) between 0 and 500 and abs(extra) <= 1 and tip_amount >= 0
             and abs(tolls_amount) < 50 and abs(mta_tax) in (0, 0.5) and dropoff > pickup
             and trip_distance between 0 and 100
             and PULocationID between 1 and 265 and DOLocationID between 1 and 265
           ) from trips""",
    )


def test_the_total_is_the_sum_of_its_parts(trips: Connection) -> None:
    parts = """fare_amount + extra + mta_tax + tip_amount + tolls_amount + improvement_surcharge
        + coalesce(congestion_surcharge, 0)"""
    wrong = f"congestion_surcharge is not null and abs(total_amount - ({parts})) > 0.005"
    assert one(trips, f"select count(*) from trips where {wrong}") == 0


def test_fields_that_get_lost_are_lost_together(trips: Connection) -> None:
    fields = ("VendorID", "passenger_count", "RatecodeID", "store_and_fwd_flag", "payment_type")
    missing = [f"{name} is null" for name in fields]
    together = one(trips, f"select count(*) from trips where {' and '.join(missing)}")
    any_of_them = one(trips, f"select count(*) from trips where {' or '.join(missing)}")
    assert together == any_of_them
    assert isinstance(together, int)
    assert 20 <= together <= 200


def test_some_rides_come_back_negated_and_some_clocks_are_wrong(trips: Connection) -> None:
    negative = one(trips, "select count(*) from trips where fare_amount < 0 and total_amount < 0")
    elsewhere = one(
        trips, "select count(*) from trips where strftime(pickup, '%Y-%m') != '2019-03'"
    )
    assert isinstance(negative, int)
    assert isinstance(elsewhere, int)
    assert 20 <= negative <= 120
    assert 1 <= elsewhere <= 40


def test_codes_are_the_documented_ones(trips: Connection) -> None:
    for column, codes in {
        "VendorID": (1, 2, 4),
        "RatecodeID": (1, 2, 3, 4, 5, 6),
        "payment_type": (1, 2, 3, 4, 5),
        "passenger_count": tuple(range(7)),
    }.items():
        assert one(trips, f"select bool_and({column} in {codes}) from trips"), column


def test_tips_are_paid_by_card_and_evenings_are_busier_than_dawn(trips: Connection) -> None:
    assert one(trips, "select count(*) from trips where tip_amount > 0 and payment_type = 2") == 0
    evening = "count(*) filter (hour(pickup) = 18) > 3 * count(*) filter (hour(pickup) = 4)"
    assert one(trips, f"select {evening} from trips")


def test_green_files_carry_no_ehail_fee_and_a_trip_type(tmp_path: Path) -> None:
    path = write(TripFile("green", "2019-06", 2000), tmp_path / "trips.csv")
    with duckdb.connect() as database:
        found = f"from read_csv('{path}')"
        assert one(database, f"select count(ehail_fee) {found}") == 0
        assert database.execute(f"select distinct trip_type {found} order by 1").fetchall() == [
            (1,),
            (2,),
            (None,),
        ]


def test_a_file_that_is_already_there_is_not_made_again_unless_its_size_changes(
    tmp_path: Path,
) -> None:
    path = ensure(TripFile("yellow", "2019-01", 100), tmp_path)
    made = path.stat().st_ino
    assert ensure(TripFile("yellow", "2019-01", 100), tmp_path).stat().st_ino == made
    assert ensure(TripFile("yellow", "2019-01", 101), tmp_path).stat().st_ino != made


def test_a_hundred_thousand_rows_take_seconds(tmp_path: Path) -> None:
    started = time.monotonic()
    write(TripFile("yellow", "2019-01", 100_000), tmp_path / "trips.csv.gz")
    assert time.monotonic() - started < 20


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--month", "2018-12"], "2018-12"),
        (["--month", "2019-05..2019-02"], "range of months"),
        (["--rows", "-1"], "must not be negative"),
    ],
)
def test_a_wrong_option_is_named(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    with pytest.raises(SystemExit):
        taxi_data.main([*arguments, "--out", str(tmp_path)])
    assert words in capsys.readouterr().err


def test_the_command_writes_ranges_of_months_of_both_colours(tmp_path: Path) -> None:
    assert (
        taxi_data.main(
            [
                "--taxi",
                "both",
                "--month",
                "2019-11..2020-01",
                "--rows",
                "10",
                "--out",
                str(tmp_path),
                "--plain",
            ]
        )
        == 0
    )
    assert len(list(tmp_path.glob("*.csv"))) == 6
