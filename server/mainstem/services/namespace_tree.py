"""All namespaces: those with properties, flows, files, keys or secrets, and those above them."""

from dataclasses import dataclass

from mainstem.model.flow_id import ancestors
from mainstem.model.principal import Permission
from mainstem.services import access
from mainstem.services.files import FileService
from mainstem.services.flows import FlowService
from mainstem.services.kv import KvService
from mainstem.services.namespaces import NamespaceService
from mainstem.services.secrets import SecretService


@dataclass(frozen=True, slots=True)
class NamespaceLine:
    """One namespace and how much it holds itself."""

    name: str
    flows: int = 0
    files: int = 0
    keys: int = 0
    secrets: int = 0
    description: str | None = None
    has_properties: bool = False

    @property
    def depth(self) -> int:
        return self.name.count(".")

    @property
    def label(self) -> str:
        return self.name.rpartition(".")[2] if self.depth else self.name


class NamespaceTree:
    """Puts together what the single services know."""

    def __init__(
        self,
        namespaces: NamespaceService,
        flows: FlowService,
        files: FileService,
        kv: KvService,
        secrets: SecretService,
    ) -> None:
        self._namespaces = namespaces
        self._flows = flows
        self._files = files
        self._kv = kv
        self._secrets = secrets

    def lines(self, text: str = "") -> list[NamespaceLine]:
        """Namespaces that the caller may see and whose name contains the text, by name."""
        flows, files = self._flows.namespaces(), self._files.counts()
        keys, secrets = self._kv.counts(), self._secrets.counts()
        known = {item.id: item for item in self._namespaces.all()}
        held = {*flows, *files, *keys, *secrets, *known}
        names = {name for item in held for name in ancestors(item)}
        return [
            NamespaceLine(
                name,
                flows.get(name, 0),
                files.get(name, 0),
                keys.get(name, 0),
                secrets.get(name, 0),
                known[name].description if name in known else None,
                name in known,
            )
            for name in sorted(names)
            if text.lower() in name and access.sees(Permission.NAMESPACE_READ, name)
        ]
