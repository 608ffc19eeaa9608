"""What masking costs: 1,000 secrets, 10,000 lines, with and without secrets in them.

python -m bench.masking
"""

import secrets
import time

from mainstem.secrets.mask import Masker

SECRETS, LINES = 1_000, 10_000
LINE = "2026-11-28 01:02:03 INFO loaded 1234567 rows of green_tripdata_2019-01 in 3.2 s, all well"


def measure(masker: Masker, lines: list[str]) -> float:
    began = time.perf_counter()
    for line in lines:
        masker.mask(line)
    return time.perf_counter() - began


def main() -> None:
    values = [secrets.token_urlsafe(24) for _ in range(SECRETS)]
    began = time.perf_counter()
    masker = Masker(values)
    print(f"{SECRETS:,} secrets known after {1000 * (time.perf_counter() - began):.0f} ms")
    clean = [f"{LINE} {number}" for number in range(LINES)]
    leaky = [f"{LINE} {values[number % SECRETS]}" for number in range(LINES)]
    for name, lines in (("clean", clean), ("leaking", leaky)):
        for known, used in (("1,000 secrets", masker), ("1 secret", Masker(values[:1]))):
            took = measure(used, lines)
            each = 1_000_000 * took / LINES
            size = sum(map(len, lines)) / 1e6
            print(f"{name:8} {known:14} {took:.3f} s, {each:.1f} us a line, {size / took:.1f} MB/s")


if __name__ == "__main__":
    main()
