"""Provider schemas out of the prebuilt bindings (the archive inside their PyPI wheels).

    schema.py OUT.json ARCHIVE[=NAME,NAME,...] ...

For every archive: the provider's block and those of the named resources, data sources and ephemeral
resources (all of them when none is named), in the shape of `terraform providers schema -json`.
"""

import json
import re
import sys
import tarfile
from pathlib import Path
from typing import Any, Final

Block = dict[str, Any]

CLASS: Final = re.compile(
    r"^class (\w+) extends cdktn?f?\.(\w+) \{\n(.*?)^\}", re.MULTILINE | re.DOTALL
)
PROPERTY: Final = re.compile(
    r"^    // (\w+) - computed: (\w+), optional: (\w+), required: (\w+)\n"
    r"(.*?)(?=^    // \w+ - computed:|\Z)",
    re.MULTILINE | re.DOTALL,
)
TO_HCL: Final = re.compile(
    r"^function (\w+)ToHclTerraform\(struct\) \{\n(.*?)^\}", re.MULTILINE | re.DOTALL
)
HCL: Final = re.compile(
    r"^\s+(\w+): \{\n\s+value: .*\n\s+isBlock: (\w+),\n\s+type: \"(\w+)\",\n"
    r"\s+storageClassType: \"(\w+)\"",
    re.MULTILINE,
)
INTERFACE: Final = re.compile(
    r"^export interface (\w+)(?: extends [\w.]+)? \{\n(.*?)^\}", re.MULTILINE | re.DOTALL
)
MEMBER: Final = re.compile(r"(/\*\*(?:(?!\*/).)*\*/)\s*readonly (\w+)(\??): (.*?);\n", re.DOTALL)
DOC_NAME: Final = re.compile(r"[#]([\w]+) \w+#\w+\}")
ENUM: Final = re.compile(r'Possible values:? \[((?:"[^"]*"(?:, )?)+)\]')
READER: Final = re.compile(
    r"return (cdktn?f?\.Fn\.tolist\()?(?:cdktn?f?\.Token\.asNumberList\()?"
    r"this\.(get\w+Attribute|interpolationForAttribute)\("
)
PRIMITIVES: Final = {"string": "string", "number": "number", "boolean": "bool"}
READ_AS: Final[dict[str, Any]] = {
    "getStringAttribute": "string",
    "getNumberAttribute": "number",
    "getBooleanAttribute": "bool",
    "getListAttribute": ["list", "string"],
    "getNumberListAttribute": ["list", "number"],
    "getStringMapAttribute": ["map", "string"],
    "interpolationForAttribute": "string",
}
GROUPS: Final = {
    "TerraformResource": "resource_schemas",
    "TerraformDataSource": "data_source_schemas",
    "TerraformEphemeralResource": "ephemeral_resource_schemas",
}


class Binding:
    """The generated code of one resource."""

    def __init__(self, javascript: str, declarations: str) -> None:
        joined = re.sub(r"\b(?:index|structs\d+)_\d+\.", "", javascript)
        self.classes = {m[1]: (m[2], m[3]) for m in CLASS.finditer(joined)}
        self.hcl = {
            m[1]: {a[1]: (a[2] == "true", a[3], a[4]) for a in HCL.finditer(m[2])}
            for m in TO_HCL.finditer(joined)
        }
        self.docs: dict[tuple[str, str], str] = {}
        for interface in INTERFACE.finditer(declarations):
            for member in MEMBER.finditer(interface[2]):
                names = DOC_NAME.findall(member[1])
                if names:
                    self.docs[(interface[1], names[-1])] = _plain(member[1])
        self.main, (self.base, self.body) = next(
            (name, found)
            for name, found in self.classes.items()
            if found[0] in (*GROUPS, "TerraformProvider")
        )

    @property
    def type_name(self) -> str:
        return re.search(r'static tfResourceType = "(\w+)"', self.body)[1]  # type: ignore[index]

    @property
    def version(self) -> str | None:
        found = re.search(r"providerVersion: '([\d.]+)'", self.body)
        return found[1] if found else None

    def schema(self) -> Block:
        start = self.body.find("synthesizeHclAttributes()")
        own = (
            {a[1]: (a[2] == "true", a[3], a[4]) for a in HCL.finditer(self.body[start:])}
            if start >= 0
            else {}
        )
        return self._block(self.main, f"{self.main}Config", own)

    def _block(self, name: str, interface: str, hcl: dict[str, Any]) -> Block:
        out: Block = {"attributes": {}, "block_types": {}}
        for found in PROPERTY.finditer(self.classes[name][1]):
            key = found[1]
            flags = {
                flag: True
                for flag, told in zip(
                    ("computed", "optional", "required"), found.groups()[1:4], strict=True
                )
                if told == "true"
            }
            if self.base == "TerraformProvider" and key == "alias":
                continue
            shape = hcl.get(key)
            made = re.search(rf'= new (\w+)\(this, "{key}"(?:, (\w+))?', found[5])
            if shape and shape[0]:
                out["block_types"][key] = self._nested(shape, made, flags)
            else:
                out["attributes"][key] = self._attribute(
                    key, interface, shape, made, found[5], flags
                )
        return out

    def _nested(self, shape: Any, made: Any, flags: dict[str, bool]) -> Block:
        if made is None:  # blocks of the provider itself have no class for reading
            item = re.sub(r"List$", "", shape[2])
            fields = self.hcl[item[0].lower() + item[1:]]
            attributes = {
                k: {"type": _type(v[1], v[2]), "optional": True} for k, v in fields.items()
            }
            block = {"attributes": attributes, "block_types": {}}
            return {"nesting_mode": "list", "max_items": 1, "block": block}
        item = re.sub(r"(List|OutputReference|Map)$", "", made[1])
        block = self._block(f"{item}OutputReference", item, self.hcl[item[0].lower() + item[1:]])
        if (
            shape[1] == "struct"
            and made[1].endswith("OutputReference")
            and item.endswith("Timeouts")
        ):
            return {"nesting_mode": "single", "block": block}
        nested: Block = {"nesting_mode": "set" if shape[1] == "set" else "list", "block": block}
        if made[1].endswith("OutputReference"):
            nested["max_items"] = 1
        if "required" in flags:
            nested["min_items"] = 1
        return nested

    def _attribute(
        self, key: str, interface: str, shape: Any, made: Any, body: str, flags: dict[str, bool]
    ) -> Block:
        out: Block = dict(flags)
        if shape:
            out["type"] = _type(shape[1], shape[2])
        elif made and made[1] not in ("cdktn", "cdktf") and "new cdktn." not in body:
            item = re.sub(r"(List|OutputReference|Map)$", "", made[1])
            kind = "set" if made[2] == "true" else "list"
            out["type"] = [kind, self._object(f"{item}OutputReference")]
        else:
            out["type"] = _read_type(body)
        # The bindings do not carry the flag; in this provider the suffix is the rule.
        if key.endswith("_wo") and "optional" in flags:
            out["write_only"] = True
        enum = ENUM.search(self.docs.get((interface, key), ""))
        if enum:
            out["enum"] = re.findall(r'"([^"]*)"', enum[1])
        return out

    def _object(self, name: str) -> list[Any]:
        fields: dict[str, Any] = {}
        for found in PROPERTY.finditer(self.classes[name][1]):
            made = re.search(rf'= new (\w+)\(this, "{found[1]}"(?:, (\w+))?', found[5])
            if made:
                item = re.sub(r"List$", "", made[1])
                kind = "set" if made[2] == "true" else "list"
                fields[found[1]] = [kind, self._object(f"{item}OutputReference")]
            else:
                fields[found[1]] = _read_type(found[5])
        return ["object", fields]


def _plain(doc: str) -> str:
    text = re.sub(r"\s*Docs at Terraform Registry:.*", "", doc, flags=re.DOTALL).strip("/* \n")
    return re.sub(r"\s*\n\s*\*\s?", " ", text).strip()


def _type(kind: str, store: str) -> Any:
    if store in PRIMITIVES:
        return PRIMITIVES[store]
    for name, primitive in PRIMITIVES.items():
        if store == f"{name}List":
            return ["set" if kind == "set" else "list", primitive]
        if store == f"{name}Map":
            return ["map", primitive]
    raise KeyError(f"no type is known for {kind} of {store}")


def _read_type(body: str) -> Any:
    for made, found in (
        ("StringMapList", ["list", ["map", "string"]]),
        ("BooleanMap", ["map", "bool"]),
        ("NumberMap", ["map", "number"]),
        ("StringMap", ["map", "string"]),
        ("AnyMap", ["map", "string"]),
    ):
        if re.search(rf"new cdktn?f?\.{made}\(", body):
            return found
    reader = READER.search(body)
    if reader is None:
        raise ValueError(f"no type is told by: {body[:200]}")
    found = READ_AS[reader[2]]
    return ["set", found[1]] if reader[1] and isinstance(found, list) else found


def read_archive(archive: Path, wanted: set[str]) -> tuple[str, dict[str, Any]]:
    """The provider's name and its schemas."""
    prefix = re.match(r"provider-(\w+)@", archive.name)[1]  # type: ignore[index]
    folders = {folder for name in wanted for folder in _folders(name, prefix)}
    texts: dict[str, dict[str, list[str]]] = {}
    with tarfile.open(archive) as packed:
        for member in packed:
            parts = member.name.split("/")
            if parts[:2] != ["package", "lib"] or len(parts) < 4 or not member.isfile():
                continue
            folder = parts[2]
            if wanted and folder != "provider" and folder not in folders:
                continue
            kind = ".d.ts" if member.name.endswith(".d.ts") else Path(member.name).suffix
            if parts[3:] == ["index-structs", "index.js"] or kind not in (".js", ".d.ts"):
                continue
            content = packed.extractfile(member)
            assert content is not None
            texts.setdefault(folder, {".js": [], ".d.ts": []})[kind].append(content.read().decode())
    out: dict[str, Any] = {"provider": None, "version": None, **{g: {} for g in GROUPS.values()}}
    for found in texts.values():
        binding = Binding("\n".join(found[".js"]), "\n".join(found[".d.ts"]))
        out["version"] = binding.version or out["version"]
        if binding.base == "TerraformProvider":
            out["provider"] = binding.schema()
        else:
            out[GROUPS[binding.base]][binding.type_name] = binding.schema()
    missing = wanted - {
        f"{mark}{name}"
        for mark, group in (("", "resource_schemas"), ("data.", "data_source_schemas"),
                            ("ephemeral.", "ephemeral_resource_schemas"))
        for name in out[group]
    }  # fmt: skip
    if missing:
        raise SystemExit(f"provider {prefix} {out['version']} has no {', '.join(sorted(missing))}")
    return prefix, out


def _folders(name: str, provider: str) -> list[str]:
    """Where a type may lie: `google_storage_bucket` in `storage-bucket`, `google_project` whole."""
    mark, _, rest = name.rpartition(".")
    dashed = rest.replace("_", "-")
    if mark == "data":
        return [f"data-{dashed}"]
    if mark == "ephemeral":
        return [f"ephemeral-{dashed}"]
    return [dashed.removeprefix(f"{provider}-"), dashed]


def main() -> None:
    out = {}
    for argument in sys.argv[2:]:
        archive, _, names = argument.partition("=")
        name, schemas = read_archive(Path(archive), {n for n in names.split(",") if n})
        out[name] = schemas
        print(f"{name} {schemas['version']}: {sum(len(schemas[g]) for g in GROUPS.values())}")
    Path(sys.argv[1]).write_text(json.dumps(out, sort_keys=True))


if __name__ == "__main__":
    main()
