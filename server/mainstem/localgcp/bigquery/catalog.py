"""What exists: datasets, tables and routines of one project as an immutable snapshot."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from mainstem.localgcp.bigquery.errors import not_found
from mainstem.localgcp.bigquery.model import Dataset, DatasetRef, Table, TableRef
from mainstem.localgcp.bigquery.names import check_table
from mainstem.localgcp.bigquery.sql.host import Routine


@dataclass(frozen=True, slots=True)
class Catalog:
    """One project's catalog at one moment; `with_` methods give the next moment."""

    project: str
    datasets: Mapping[str, Dataset] = field(default_factory=dict)
    tables: Mapping[str, Mapping[str, Table]] = field(default_factory=dict)
    routines: Mapping[str, Mapping[str, Routine]] = field(default_factory=dict)

    def dataset(self, ref: DatasetRef) -> Dataset:
        found = self.datasets.get(ref.dataset)
        if found is None:
            raise not_found(f"Not found: Dataset {ref}")
        return found

    def find_table(self, ref: TableRef, now: datetime) -> Table | None:
        """The table, unless it has expired."""
        found = self.tables.get(ref.dataset, {}).get(ref.table)
        if found is None or (found.expires is not None and found.expires <= now):
            return None
        return found

    def table(self, ref: TableRef, now: datetime) -> Table:
        self.dataset(ref.dataset_ref)
        found = self.find_table(ref, now)
        if found is None:
            check_table(ref)
            raise not_found(f"Not found: Table {ref}")
        return found

    def tables_of(self, ref: DatasetRef, now: datetime) -> list[Table]:
        """The dataset's tables in the order of their names."""
        held = self.tables.get(ref.dataset, {})
        return [
            held[name]
            for name in sorted(held)
            if (expires := held[name].expires) is None or expires > now
        ]

    def routine(self, ref: TableRef) -> Routine:
        found = self.routines.get(ref.dataset, {}).get(ref.table)
        if found is None:
            raise not_found(f"Not found: Routine {ref}")
        return found

    def expired(self, now: datetime) -> Iterator[Table]:
        """Tables whose time has passed but whose rows still take room."""
        for held in self.tables.values():
            for table in held.values():
                if table.expires is not None and table.expires <= now:
                    yield table

    def with_dataset(self, dataset: Dataset) -> "Catalog":
        return replace(self, datasets={**self.datasets, dataset.ref.dataset: dataset})

    def without_dataset(self, ref: DatasetRef) -> "Catalog":
        return replace(
            self,
            datasets={k: v for k, v in self.datasets.items() if k != ref.dataset},
            tables={k: v for k, v in self.tables.items() if k != ref.dataset},
            routines={k: v for k, v in self.routines.items() if k != ref.dataset},
        )

    def with_table(self, table: Table) -> "Catalog":
        held = {**self.tables.get(table.ref.dataset, {}), table.ref.table: table}
        return replace(self, tables={**self.tables, table.ref.dataset: held})

    def without_table(self, ref: TableRef) -> "Catalog":
        held = {k: v for k, v in self.tables.get(ref.dataset, {}).items() if k != ref.table}
        return replace(self, tables={**self.tables, ref.dataset: held})

    def with_routine(self, routine: Routine) -> "Catalog":
        held = {**self.routines.get(routine.ref.dataset, {}), routine.ref.table: routine}
        return replace(self, routines={**self.routines, routine.ref.dataset: held})

    def without_routine(self, ref: TableRef) -> "Catalog":
        held = {k: v for k, v in self.routines.get(ref.dataset, {}).items() if k != ref.table}
        return replace(self, routines={**self.routines, ref.dataset: held})
