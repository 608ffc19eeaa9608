"""One day of orders as CSV. Stands in for your source: the same day always gives the same rows."""

import argparse
import csv
import random
from datetime import date

CUSTOMERS = ["ada", "grace", "edsger", "barbara", "tony"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--day", type=date.fromisoformat, required=True)
    parser.add_argument("--out", required=True)
    options = parser.parse_args()
    chance = random.Random(options.day.isoformat())
    rows = chance.randint(50, 200)
    with open(options.out, "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["order_id", "ordered_on", "customer", "amount"])
        for number in range(rows):
            amount = f"{chance.uniform(1, 500):.2f}"
            order_id = f"{options.day:%Y%m%d}-{number:04}"
            writer.writerow([order_id, options.day, chance.choice(CUSTOMERS), amount])
    print(f"{rows} orders of {options.day}")


if __name__ == "__main__":
    main()
