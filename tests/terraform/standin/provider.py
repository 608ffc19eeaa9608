"""A provider that knows schemas and nothing else: `provider.py NAME` with STANDIN_SCHEMAS set.

Terraform checks types, missing and unknown arguments from the schema; this checks enums and
computed attributes. A plan is the configuration with unknowns for what the provider computes;
applying makes values up. It never talks to Google: what passes is schema-validated, and not
accepted by Google.
"""

import base64
import datetime
import hashlib
import json
import os
import secrets
import sys
import tempfile
import threading
from concurrent import futures
from pathlib import Path
from typing import Any, Final

import grpc
import msgpack
from protocol import Complaints, Opened, Question, add_ephemeral_schema, write_only
from tf.gen import grpc_controller_pb2 as controller
from tf.gen import grpc_controller_pb2_grpc as controller_rpc
from tf.gen import grpc_stdio_pb2_grpc as stdio_rpc
from tf.gen import tfplugin_pb2 as pb
from tf.gen import tfplugin_pb2_grpc as rpc

Block = dict[str, Any]
COOKIE: Final = "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2"
NESTING: Final = {"list": 2, "set": 3, "single": 1}
LARGEST: Final = 256 << 20


class Unknown:
    """A value that the provider will compute."""


def block_message(block: Block) -> Any:
    out = pb.Schema.Block(version=0)
    for name, attribute in sorted(block["attributes"].items()):
        made = out.attributes.add(
            name=name,
            type=json.dumps(attribute["type"]).encode(),
            required=attribute.get("required", False),
            optional=attribute.get("optional", False),
            computed=attribute.get("computed", False) and not attribute.get("write_only"),
        )
        if attribute.get("write_only"):
            write_only(made)
    for name, nested in sorted(block["block_types"].items()):
        out.block_types.add(
            type_name=name,
            block=block_message(nested["block"]),
            nesting=NESTING[nested["nesting_mode"]],
            min_items=nested.get("min_items", 0),
            max_items=nested.get("max_items", 0),
        )
    return out


def decode(value: Any) -> Any:
    if value.msgpack:
        return msgpack.unpackb(
            value.msgpack, raw=False, ext_hook=lambda _code, _data: Unknown(), strict_map_key=False
        )
    return json.loads(value.json) if value.json else None


def encode(value: Any) -> Any:
    packed = msgpack.packb(value, default=lambda _unknown: msgpack.ExtType(0, b""))
    return pb.DynamicValue(msgpack=packed)


def _inside(nested: Block, value: Any) -> list[dict[str, Any]]:
    found = value if isinstance(value, list) else [value]
    return [item for item in found if isinstance(item, dict)]


def complaints(block: Block, value: Any, path: list[str | int]) -> list[Any]:
    """What a provider would say before it asks its service."""
    out = []
    for name, attribute in block["attributes"].items():
        given = (value or {}).get(name)
        where = [*path, name]
        if given is not None and attribute.get("computed") and not attribute.get("optional"):
            out.append(_diagnostic(where, f'"{name}" is computed by the provider; do not set it'))
        enum = attribute.get("enum")
        if enum and isinstance(given, str) and given not in ("", *enum):
            out.append(_diagnostic(where, f'expected {name} to be one of {enum}, got "{given}"'))
    for name, nested in block["block_types"].items():
        listed = nested["nesting_mode"] == "list"
        for index, item in enumerate(_inside(nested, (value or {}).get(name))):
            step = [index] if listed else []
            out += complaints(nested["block"], item, [*path, name, *step])
    return out


def _diagnostic(path: list[str | int], message: str) -> Any:
    out = pb.Diagnostic(severity=1, summary=message)
    for step in path:
        if isinstance(step, int):
            out.attribute.steps.add(element_key_int=step)
        else:
            out.attribute.steps.add(attribute_name=step)
    return out


def planned(block: Block, value: Any, prior: Any) -> Any:
    """The configuration with unknowns for what is computed and was not there before."""
    out = dict(value)
    for name, attribute in block["attributes"].items():
        if attribute.get("write_only"):
            out[name] = None
        elif attribute.get("computed") and out.get(name) is None:
            before = (prior or {}).get(name)
            out[name] = Unknown() if before is None else before
    for name, nested in block["block_types"].items():
        before = (prior or {}).get(name)
        given = out.get(name)
        if isinstance(given, dict):
            out[name] = planned(nested["block"], given, before)
        elif isinstance(given, list):
            known = before if isinstance(before, list) else []
            out[name] = [
                planned(nested["block"], item, known[index] if index < len(known) else None)
                if isinstance(item, dict)
                else item
                for index, item in enumerate(given)
            ]
    return out


def invented(kind: Any, name: str, seed: str) -> Any:
    """A value of the type: the same for the same resource."""
    if kind == "string" and name == "number":
        return str(int(hashlib.sha256(seed.encode()).hexdigest()[:8], 16))
    if kind == "string":
        return f"{name}-{hashlib.sha256((seed + name).encode()).hexdigest()[:8]}"
    if kind in ("number", "bool"):
        return 0 if kind == "number" else False
    if kind[0] == "object":
        return {key: invented(inner, key, seed) for key, inner in kind[1].items()}
    return {} if kind[0] == "map" else []


def filled(block: Block, value: Any, seed: str) -> Any:
    out = dict(value)
    for name, attribute in block["attributes"].items():
        if isinstance(out.get(name), Unknown):
            out[name] = invented(attribute["type"], name, seed)
    for name, nested in block["block_types"].items():
        given = out.get(name)
        if isinstance(given, dict):
            out[name] = filled(nested["block"], given, seed)
        elif isinstance(given, list):
            out[name] = [
                filled(nested["block"], item, seed) if isinstance(item, dict) else item
                for item in given
            ]
    return out


def derived(kind: str, value: Any) -> Any:
    """Values that Google makes of others, where rules of the modules look at them."""
    if kind == "google_service_account":
        email = f"{value['account_id']}@{value['project']}.iam.gserviceaccount.com"
        name = f"projects/{value['project']}/serviceAccounts/{email}"
        return {**value, "email": email, "member": f"serviceAccount:{email}", "name": name}
    if kind == "google_sql_database_instance":
        return {**value, "connection_name": f"{value['project']}:{value['region']}:{value['name']}"}
    return value


class StandIn(rpc.ProviderServicer):
    """The provider protocol over one provider's schemas."""

    def __init__(self, schemas: dict[str, Any], answer: Path) -> None:
        self.schemas = schemas
        self.answer = answer
        self.resources: dict[str, Block] = schemas["resource_schemas"]
        self.sources: dict[str, Block] = schemas["data_source_schemas"]
        self.ephemerals: dict[str, Block] = schemas["ephemeral_resource_schemas"]

    def GetMetadata(self, request: Any, context: Any) -> Any:
        # Older than ephemeral resources: Terraform then asks for the schema, which has them all.
        context.abort(grpc.StatusCode.UNIMPLEMENTED, "ask for the schema")

    def schema_response(self) -> Any:
        out = pb.GetProviderSchema.Response(provider=self._schema(self.schemas["provider"]))
        for name, block in self.resources.items():
            out.resource_schemas[name].CopyFrom(self._schema(block))
        for name, block in self.sources.items():
            out.data_source_schemas[name].CopyFrom(self._schema(block))
        for name, block in self.ephemerals.items():
            add_ephemeral_schema(out, name, self._schema(block))
        return out

    def _schema(self, block: Block) -> Any:
        return pb.Schema(version=0, block=block_message(block))

    def GetProviderSchema(self, request: Any, context: Any) -> Any:
        """Terraform asks at every start: the answer is made once."""
        if not self.answer.exists():
            made = self.answer.with_suffix(f".{os.getpid()}")
            made.write_bytes(self.schema_response().SerializeToString())
            made.rename(self.answer)
        return pb.GetProviderSchema.Response.FromString(self.answer.read_bytes())

    def ValidateProviderConfig(self, request: Any, context: Any) -> Any:
        return pb.ValidateProviderConfig.Response()

    def ConfigureProvider(self, request: Any, context: Any) -> Any:
        return pb.ConfigureProvider.Response()

    def StopProvider(self, request: Any, context: Any) -> Any:
        return pb.StopProvider.Response()

    def GetFunctions(self, request: Any, context: Any) -> Any:
        return pb.GetFunctions.Response()

    def ValidateResourceConfig(self, request: Any, context: Any) -> Any:
        found = complaints(self.resources[request.type_name], decode(request.config), [])
        return pb.ValidateResourceConfig.Response(diagnostics=found)

    def ValidateDataResourceConfig(self, request: Any, context: Any) -> Any:
        found = complaints(self.sources[request.type_name], decode(request.config), [])
        return pb.ValidateDataResourceConfig.Response(diagnostics=found)

    def UpgradeResourceState(self, request: Any, context: Any) -> Any:
        state = pb.DynamicValue(json=request.raw_state.json)
        return pb.UpgradeResourceState.Response(upgraded_state=state)

    def ReadResource(self, request: Any, context: Any) -> Any:
        return pb.ReadResource.Response(new_state=request.current_state)

    def PlanResourceChange(self, request: Any, context: Any) -> Any:
        proposed = decode(request.proposed_new_state)
        state = request.proposed_new_state
        if proposed is not None:
            block = self.resources[request.type_name]
            state = encode(planned(block, proposed, decode(request.prior_state)))
        return pb.PlanResourceChange.Response(planned_state=state, legacy_type_system=True)

    def ApplyResourceChange(self, request: Any, context: Any) -> Any:
        value = decode(request.planned_state)
        state = request.planned_state
        if value is not None:
            seed = f"{request.type_name}{value.get('name')}"
            made = filled(self.resources[request.type_name], value, seed)
            state = encode(derived(request.type_name, made))
        return pb.ApplyResourceChange.Response(new_state=state, legacy_type_system=True)

    def ReadDataSource(self, request: Any, context: Any) -> Any:
        block = self.sources[request.type_name]
        value = planned(block, decode(request.config), None)
        return pb.ReadDataSource.Response(state=encode(filled(block, value, request.type_name)))

    # ephemeral resources, which the bindings do not know

    def validate_ephemeral(self, request: Any, context: Any) -> Any:
        found = complaints(self.ephemerals[request.type_name], decode(request.config), [])
        return Complaints(diagnostics=found)

    def open_ephemeral(self, request: Any, context: Any) -> Any:
        config = decode(request.config)
        block = self.ephemerals[request.type_name]
        value = filled(block, planned(block, config, None), secrets.token_hex(8))
        if request.type_name == "random_password":
            value["result"] = secrets.token_hex(int(config["length"]))[: int(config["length"])]
        return Opened(result=encode(value))

    def close_ephemeral(self, request: Any, context: Any) -> Any:
        return Complaints()


def ephemeral_handlers(provider: StandIn) -> Any:
    def unary(behaviour: Any, answer: Any) -> Any:
        return grpc.unary_unary_rpc_method_handler(
            behaviour,
            request_deserializer=Question.FromString,
            response_serializer=answer.SerializeToString,
        )

    return grpc.method_handlers_generic_handler(
        "tfplugin6.Provider",
        {
            "ValidateEphemeralResourceConfig": unary(provider.validate_ephemeral, Complaints),
            "OpenEphemeralResource": unary(provider.open_ephemeral, Opened),
            "CloseEphemeralResource": unary(provider.close_ephemeral, Complaints),
        },
    )


class Controller(controller_rpc.GRPCControllerServicer):
    def __init__(self, done: threading.Event) -> None:
        self.done = done

    def Shutdown(self, request: Any, context: Any) -> Any:
        self.done.set()
        return controller.Empty()


class Output(stdio_rpc.GRPCStdioServicer):
    def StreamStdio(self, request: Any, context: Any) -> Any:
        return iter([])


def certificate_of(folder: Path, name: str) -> tuple[bytes, bytes, bytes]:
    """Key and certificate in PEM, and the certificate in DER; made at the first start."""
    # One file, renamed into place: two that start at once must not mix key and certificate.
    kept = folder / f"{name}.certificate"
    if not kept.exists():
        made = kept.with_suffix(f".{os.getpid()}")
        made.write_text(json.dumps([base64.b64encode(p).decode() for p in make_certificate()]))
        made.rename(kept)
    key, pem, der = (base64.b64decode(part) for part in json.loads(kept.read_text()))
    return key, pem, der


def make_certificate() -> tuple[bytes, bytes, bytes]:
    # A quarter of a start's time, and needed once.
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=5))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    public = made.public_bytes
    return private, public(serialization.Encoding.PEM), public(serialization.Encoding.DER)


def main() -> None:
    if os.environ.get("TF_PLUGIN_MAGIC_COOKIE") != COOKIE:
        raise SystemExit("this program is a plugin: Terraform runs it")
    file = Path(os.environ["STANDIN_SCHEMAS"])
    schemas = json.loads(file.read_text())[sys.argv[1]]
    sizes = [
        ("grpc.max_send_message_length", LARGEST),
        ("grpc.max_receive_message_length", LARGEST),
    ]
    server = grpc.server(futures.ThreadPoolExecutor(8), options=sizes)
    done = threading.Event()
    provider = StandIn(schemas, file.with_name(f"{sys.argv[1]}.answer"))
    # First come, first served: what this handler does not know falls to the generated one.
    server.add_generic_rpc_handlers((ephemeral_handlers(provider),))
    rpc.add_ProviderServicer_to_server(provider, server)
    controller_rpc.add_GRPCControllerServicer_to_server(Controller(done), server)
    stdio_rpc.add_GRPCStdioServicer_to_server(Output(), server)
    key, pem, der = certificate_of(file.parent, sys.argv[1])
    # Terraform's own certificate is P-521, which gRPC's TLS does not ask for.
    credentials = grpc.ssl_server_credentials([(key, pem)])
    with tempfile.TemporaryDirectory() as folder:
        server.add_secure_port(f"unix://{folder}/s", credentials)
        server.start()
        shown = base64.b64encode(der).decode().rstrip("=")
        print(f"1|6|unix|{folder}/s|grpc|{shown}", flush=True)
        done.wait()
        server.stop(0.2).wait()


if __name__ == "__main__":
    main()
