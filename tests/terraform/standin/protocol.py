"""What the bindings on PyPI do not know yet: ephemeral resources and write-only attributes.

Field numbers are those of Terraform's plugin protocol, version 6.
"""

from typing import Any, Final

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, timestamp_pb2
from tf.gen import tfplugin_pb2 as pb

WRITE_ONLY: Final = b"\x58\x01"  # Schema.Attribute.write_only = 11
EPHEMERAL_SCHEMAS: Final = 8  # GetProviderSchema.Response.ephemeral_resource_schemas


def _message(name: str, fields: list[tuple[str, int, str | int, bool]]) -> Any:
    proto = descriptor_pb2.DescriptorProto(name=name)
    for field, number, kind, many in fields:
        label = 3 if many else 1
        made = proto.field.add(name=field, number=number, label=label)
        if isinstance(kind, str):
            made.type, made.type_name = 11, kind
        else:
            made.type = kind
    return proto


_STRING, _BYTES = 9, 12
_VALUE, _DIAGNOSTIC = ".tfplugin6.DynamicValue", ".tfplugin6.Diagnostic"
_FILE = descriptor_pb2.FileDescriptorProto(
    name="mainstem_ephemeral.proto",
    package="mainstem_standin",
    syntax="proto3",
    dependency=[pb.DESCRIPTOR.name, timestamp_pb2.DESCRIPTOR.name],
)
_FILE.message_type.extend(
    [
        _message("Question", [("type_name", 1, _STRING, False), ("config", 2, _VALUE, False)]),
        _message("Complaints", [("diagnostics", 1, _DIAGNOSTIC, True)]),
        _message(
            "Opened",
            [
                ("diagnostics", 1, _DIAGNOSTIC, True),
                ("renew_at", 2, ".google.protobuf.Timestamp", False),
                ("result", 3, _VALUE, False),
                ("private", 4, _BYTES, False),
            ],
        ),
    ]
)
_pool = descriptor_pool.Default()
_pool.Add(_FILE)  # type: ignore[attr-defined]


def _class(name: str) -> Any:
    return message_factory.GetMessageClass(_pool.FindMessageTypeByName(f"mainstem_standin.{name}"))


Question, Complaints, Opened = _class("Question"), _class("Complaints"), _class("Opened")


def write_only(attribute: Any) -> None:
    """Mark an attribute; the field is unknown to the bindings and is carried along."""
    attribute.MergeFromString(WRITE_ONLY)


def add_ephemeral_schema(response: Any, name: str, schema: Any) -> None:
    """Add an entry of the map `ephemeral_resource_schemas`."""
    entry = _field(1, name.encode()) + _field(2, schema.SerializeToString())
    response.MergeFromString(_field(EPHEMERAL_SCHEMAS, entry))


def _field(number: int, content: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)
    return bytes(out)
