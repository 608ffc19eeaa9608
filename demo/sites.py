"""What each stand-in serves: trip files, a product list, and a hub of dbt packages."""

import gzip
import io
import json
import random
import re
import tarfile
from collections.abc import Mapping
from pathlib import Path
from threading import Lock
from urllib.parse import parse_qs, urlsplit

from demo.proxy import Reply, Site
from demo.taxi_data import COLUMNS, MONTHS, TripFile, ensure

RELEASES = "/DataTalksClub/nyc-tlc-data/releases/download"
ASSET_HOST = "release-assets.githubusercontent.com"
TRIP_FILE = re.compile(
    r"/(?P<taxi>[a-z]+)/(?P<name>(?P=taxi)_tripdata_(?P<month>\d{4}-\d\d)\.csv\.gz)"
)
HUB_SOURCES = Path(__file__).resolve().parent / "hub"
# The versions that the course's project pins, in any of its years, and that its ranges allow.
HUB_PACKAGES = {"dbt_utils": ("1.1.1", "1.3.0", "1.3.3"), "codegen": ("0.12.1", "0.14.0")}
PRODUCTS = 194


class Trips:
    """The release page with its redirect to the asset host; files are made when first asked for."""

    def __init__(self, folder: Path, rows: int) -> None:
        self._folder, self._rows, self._lock = folder, rows, Lock()

    def release(self, path: str) -> Reply:
        match = TRIP_FILE.fullmatch(urlsplit(path).path.removeprefix(RELEASES))
        if match is None or match["taxi"] not in COLUMNS or match["month"] not in MONTHS:
            return Reply.text("Not Found", 404)
        return Reply.moved(f"https://{ASSET_HOST}/{match['taxi']}/{match['name']}?source=stand-in")

    def asset(self, path: str) -> Reply:
        """A trip file itself; also what a plain file server of the data answers."""
        match = TRIP_FILE.fullmatch(urlsplit(path).path)
        if match is None or match["taxi"] not in COLUMNS or match["month"] not in MONTHS:
            return Reply.text("Not Found", 404)
        trips = TripFile(match["taxi"], match["month"], self._rows)
        with self._lock:
            return Reply(ensure(trips, self._folder / match["taxi"]))


KINDS = {
    "beauty": (("Glow", "Petal", "Dune"), ("Lip Balm", "Face Cream", "Shampoo", "Soap"), 4, 30),
    "furniture": (("Oakline", "Nordhus"), ("Chair", "Shelf", "Lamp", "Side Table"), 40, 900),
    "groceries": ((), ("Apples", "Rice", "Coffee", "Honey", "Olives"), 1, 15),
    "laptops": (("Kestrel", "Tern", "Plover"), ("Air 13", "Work 14", "Studio 16"), 600, 2400),
    "watches": (("Meridian", "Tidewater"), ("Diver", "Pilot", "Dress"), 80, 5000),
}


def products(path: str) -> Reply:
    """A product list in the shape of the public API, with its paging; groceries have no brand."""
    url = urlsplit(path)
    if url.path.rstrip("/") != "/products":
        return Reply.text("Not Found", 404)
    query = parse_qs(url.query)
    skip, limit = int(query.get("skip", ["0"])[0]), int(query.get("limit", ["30"])[0])
    page = [_product(number) for number in range(1, PRODUCTS + 1)]
    page = page[skip : skip + limit] if limit else page[skip:]
    body = {"products": page, "total": PRODUCTS, "skip": skip, "limit": len(page)}
    return _json(body)


def _product(number: int) -> dict[str, object]:
    draw = random.Random(number)
    category = sorted(KINDS)[number % len(KINDS)]
    brands, things, least, most = KINDS[category]
    thing = draw.choice(things)
    brand = {"brand": draw.choice(brands)} if brands else {}
    stock = draw.randint(0, 120)
    return {
        "id": number,
        "title": " ".join([*brand.values(), thing]),
        "description": f"{thing} for everyday use.",
        "category": category,
        "price": round(draw.uniform(least, most), 2),
        "discountPercentage": round(draw.uniform(0, 20), 2),
        "rating": round(draw.uniform(2.5, 5), 2),
        "stock": stock,
        "tags": [category, thing.lower()],
        **brand,
        "sku": f"{category[:3].upper()}-{number:04}",
        "weight": draw.randint(1, 20),
        "dimensions": {
            side: round(draw.uniform(1, 40), 2) for side in ("width", "height", "depth")
        },
        "availabilityStatus": "In Stock" if stock > 5 else "Low Stock",
        "minimumOrderQuantity": draw.randint(1, 50),
        "reviews": [
            {"rating": draw.randint(1, 5), "comment": "As described.", "reviewerName": "A."}
        ],
        "images": [],
    }


class Hub:
    """dbt's package hub: an index, a page per package, and one archive per version."""

    def __init__(self, base_url: str) -> None:
        self._base_url = base_url.rstrip("/")

    def __call__(self, path: str) -> Reply:
        parts = [part for part in urlsplit(path).path.split("/") if part]
        match parts:
            case ["api", "v1", "index.json"]:
                return _json([f"dbt-labs/{name}" for name in HUB_PACKAGES])
            case ["api", "v1", "dbt-labs", page] if page.removesuffix(".json") in HUB_PACKAGES:
                return _json(self._package(page.removesuffix(".json")))
            case ["archives", name, archive] if archive.removesuffix(".tar.gz") in HUB_PACKAGES.get(
                name, ()
            ):
                return Reply(_archive(name, archive.removesuffix(".tar.gz")))
        return Reply.text("Not Found", 404)

    def _package(self, name: str) -> dict[str, object]:
        versions = {
            version: {
                "id": f"dbt-labs/{name}/{version}",
                "name": name,
                "version": version,
                "packages": [],
                "require_dbt_version": [">=1.7.0", "<3.0.0"],
                "downloads": {
                    "tarball": f"{self._base_url}/archives/{name}/{version}.tar.gz",
                    "format": "tgz",
                },
            }
            for version in HUB_PACKAGES[name]
        }
        return {
            "name": name,
            "namespace": "dbt-labs",
            "latest": HUB_PACKAGES[name][-1],
            "versions": versions,
        }


def _archive(name: str, version: str) -> bytes:
    """The package in one folder named after it and its version, as the real archives have it."""
    unpacked, buffer = f"{name}-{version}", io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for path in sorted((HUB_SOURCES / name).rglob("*")):
            if path.is_file():
                text = path.read_text()
                if path.name == "dbt_project.yml":
                    text = text.replace("{version}", version)
                entry = tarfile.TarInfo(f"{unpacked}/{path.relative_to(HUB_SOURCES / name)}")
                entry.size = len(text.encode())
                archive.addfile(entry, io.BytesIO(text.encode()))
    return gzip.compress(buffer.getvalue(), mtime=0)


def _json(value: object) -> Reply:
    return Reply(json.dumps(value).encode(), 200, {"Content-Type": "application/json"})


def _below(prefix: str, site: Site) -> Site:
    def answer(path: str) -> Reply:
        if not path.startswith(prefix + "/"):
            return Reply.text("Not Found", 404)
        return site(path.removeprefix(prefix))

    return answer


def course_sites(trips: Trips, own_url: str) -> Mapping[str, Site]:
    """Every host that the course's flows reach, and this proxy itself for the package hub."""
    return {
        "github.com": trips.release,
        ASSET_HOST: trips.asset,
        "dummyjson.com": products,
        "hub.getdbt.com": Hub("https://hub.getdbt.com"),
        "127.0.0.1": _below("/hub", Hub(f"{own_url}/hub")),
    }
