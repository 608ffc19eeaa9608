"""Templates (deprecated in the language): tasks that flows take over by name."""

from collections.abc import Sequence
from dataclasses import dataclass

from mainstem.clock import Clock
from mainstem.errors import InvalidInput, NotFound
from mainstem.flowspec.parse import check_properties
from mainstem.flowspec.problems import Problem
from mainstem.model.flow_id import FLOW_ID, NAMESPACE
from mainstem.model.principal import Permission
from mainstem.sdk.plugin import Properties
from mainstem.sdk.registry import Registry
from mainstem.sdk.task import AnyTask, Task
from mainstem.services import access, audit
from mainstem.services.reach import Reach, Use
from mainstem.store import templates as rows
from mainstem.store.database import Database
from mainstem.store.templates import StoredTemplate

__all__ = ["StoredTemplate", "TemplateService"]


class TemplateSource(Properties):
    """A template as written."""

    id: str
    namespace: str
    tenant_id: str | None = None
    description: str | None = None
    tasks: tuple[AnyTask, ...]
    errors: tuple[AnyTask, ...] = ()
    deleted: bool = False


@dataclass(frozen=True, slots=True)
class CheckedTemplate:
    template: TemplateSource | None
    problems: tuple[Problem, ...]


class TemplateService:
    """Templates by namespace and id."""

    def __init__(self, database: Database, registry: Registry, clock: Clock, reach: Reach) -> None:
        self._database = database
        self._registry = registry
        self._clock = clock
        self._reach = reach

    def check(self, source: str) -> CheckedTemplate:
        """Read a template; never raises."""
        checked = check_properties(TemplateSource, source, self._registry)
        made = checked.made
        return CheckedTemplate(made if isinstance(made, TemplateSource) else None, checked.problems)

    def save(self, source: str, expected: tuple[str, str] | None = None) -> StoredTemplate:
        """Create or replace; raises InvalidInput with every problem."""
        checked = self.check(source)
        template = checked.template
        if template is None:
            raise InvalidInput("\n".join(str(problem) for problem in checked.problems))
        if not FLOW_ID.fullmatch(template.id) or not NAMESPACE.fullmatch(template.namespace):
            raise InvalidInput(
                f"`{template.namespace}.{template.id}` is not a name: ids may hold letters, "
                "digits, `.`, `_` and `-`, namespaces those in lower case"
            )
        name = (template.namespace, template.id)
        if expected is not None and name != expected:
            raise InvalidInput(
                f"Illegal template update: the source is of `{'.'.join(name)}`, not of "
                f"`{'.'.join(expected)}`"
            )
        access.require(Permission.FLOW_WRITE, template.namespace)
        now = self._clock.now()
        with self._database.write() as tx:
            audit.record(tx, "template.save", ".".join(name), namespace=template.namespace)
            known = rows.get(tx, *name)
            created = known.created_at if known else now
            stored = StoredTemplate(*name, source, template.description, created, now)
            rows.put(tx, stored)
        return stored

    def get(self, namespace: str, template_id: str) -> StoredTemplate:
        """Raises NotFound."""
        missing = f"there is no template {namespace}.{template_id}"
        access.check_visible(Permission.FLOW_READ, namespace, missing)
        with self._database.read() as tx:
            found = rows.get(tx, namespace, template_id)
        if found is None:
            raise NotFound(missing)
        return found

    def all(self, namespace: str | None = None) -> list[StoredTemplate]:
        """Those that the caller may see, of a namespace with its descendants if given."""
        with self._database.read() as tx:
            found = rows.everything(tx, namespace)
        return [item for item in found if access.sees(Permission.FLOW_READ, item.namespace)]

    def delete(self, namespace: str, template_id: str) -> None:
        """Raises NotFound."""
        access.require(Permission.FLOW_WRITE, namespace)
        with self._database.write() as tx:
            done = rows.remove(tx, namespace, template_id)
            if done:
                name = f"{namespace}.{template_id}"
                audit.record(tx, "template.delete", name, namespace=namespace)
        if not done:
            raise NotFound(f"there is no template {namespace}.{template_id}")

    def find_tasks(self, own: str, namespace: str, template_id: str) -> Sequence[Task] | None:
        """The tasks of a template for flows of `own`.

        None when it is not there, can no longer be read, or is not theirs to use.
        """
        if not self._reach.allows(own, namespace, Use.RUN_FLOW):
            return None
        with self._database.read() as tx:
            found = rows.get(tx, namespace, template_id)
        template = self.check(found.source).template if found else None
        return template.tasks if template else None
