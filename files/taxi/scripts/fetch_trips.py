"""Download one month of trips, unpack it, and refuse a file whose columns are not the expected ones.

Needs nothing but Python 3.8 and its standard library, so it runs in any image and on any machine.
A file with other columns would load without complaint and shift every value; so it ends here.
"""

import argparse
import gzip
import json
import os
import sys
import time
import urllib.error
import urllib.request
import zlib

COLUMNS = {
    "yellow": (
        "VendorID,tpep_pickup_datetime,tpep_dropoff_datetime,passenger_count,trip_distance,"
        "RatecodeID,store_and_fwd_flag,PULocationID,DOLocationID,payment_type,fare_amount,extra,"
        "mta_tax,tip_amount,tolls_amount,improvement_surcharge,total_amount,congestion_surcharge"
    ),
    "green": (
        "VendorID,lpep_pickup_datetime,lpep_dropoff_datetime,store_and_fwd_flag,RatecodeID,"
        "PULocationID,DOLocationID,passenger_count,trip_distance,fare_amount,extra,mta_tax,"
        "tip_amount,tolls_amount,ehail_fee,improvement_surcharge,total_amount,payment_type,"
        "trip_type,congestion_surcharge"
    ),
}
ATTEMPTS = 3
CHUNK = 1 << 20


class Unusable(Exception):
    """The file cannot be had or must not be loaded; the message says why and what to do."""


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--taxi", required=True, choices=sorted(COLUMNS))
    parser.add_argument("--file", required=True, help="name of the CSV; .gz is added for the download")
    parser.add_argument("--base-url", required=True)
    options = parser.parse_args()
    url = "/".join((options.base_url.rstrip("/"), options.taxi, options.file + ".gz"))
    try:
        lines, size = fetch(url, options.file, COLUMNS[options.taxi].split(","))
    except Unusable as problem:
        sys.exit("fetch_trips: %s" % problem)
    print("Fetched %s: %s rows, %.1f MB" % (url, format(lines, ","), size / 1e6))
    print("::" + json.dumps({"outputs": {"file": options.file, "rows": lines}}) + "::")


def fetch(url, name, expected):
    """Leave `name` in the working directory, complete or not at all; return its rows and bytes."""
    if not url.startswith(("http://", "https://")):
        raise Unusable("%s is no http(s) address; check the KV key TAXI_DATA_URL." % url)
    draft = name + ".part"
    try:
        lines, size = unpack(opened(url), url, draft)
        check_header(draft, url, expected)
        os.replace(draft, name)
    finally:
        if os.path.exists(draft):
            os.remove(draft)
    return lines - 1, size


def opened(url):
    """The response, after a few tries where trying again can help."""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return urllib.request.urlopen(url, timeout=60)
        except urllib.error.HTTPError as problem:
            if problem.code in (404, 410):
                raise Unusable(
                    "there is no file at %s (HTTP %s). Check taxi, year and month, and the KV key "
                    "TAXI_DATA_URL." % (url, problem.code)
                ) from None
            if problem.code < 500 or attempt == ATTEMPTS:
                raise Unusable("%s answered HTTP %s %s." % (url, problem.code, problem.reason)) from None
        except OSError as problem:
            if attempt == ATTEMPTS:
                reason = getattr(problem, "reason", problem)
                raise Unusable("%s cannot be reached: %s." % (url, reason)) from None
        time.sleep(attempt)
    raise AssertionError("the loop returns or raises")


def unpack(response, url, draft):
    """Unpack while downloading; returns the number of lines and bytes written."""
    lines = size = 0
    last = b"\n"
    try:
        with response, gzip.GzipFile(fileobj=response) as source, open(draft, "wb") as target:
            while True:
                chunk = source.read(CHUNK)
                if not chunk:
                    break
                target.write(chunk)
                lines += chunk.count(b"\n")
                size += len(chunk)
                last = chunk[-1:]
    except EOFError:
        raise Unusable("%s ends in the middle: the download was cut off. Run again." % url) from None
    except (zlib.error, gzip.BadGzipFile) as problem:
        raise Unusable("%s is not a whole gzip file: %s." % (url, problem)) from None
    except OSError as problem:
        raise Unusable("reading %s failed: %s." % (url, problem)) from None
    if not size:
        raise Unusable("%s is empty." % url)
    return lines + (last != b"\n"), size


def check_header(path, url, expected):
    """Compare the first line with the expected columns, in their order."""
    with open(path, encoding="utf-8-sig", errors="replace") as file:
        found = [name.strip().strip('"') for name in file.readline(64 * 1024).split(",")]
    if found == expected:
        return
    missing = [name for name in expected if name not in found]
    surplus = [name for name in found if name not in expected]
    words = []
    if missing:
        words.append("missing: " + ", ".join(missing))
    if surplus:
        words.append("unexpected: " + ", ".join(name[:60] for name in surplus[:20]))
    if not words:
        words.append("in another order: " + ", ".join(found))
    raise Unusable(
        "%s has other columns than this flow loads (%s). Nothing was loaded. Expected: %s."
        % (url, "; ".join(words), ", ".join(expected))
    )


if __name__ == "__main__":
    main()
