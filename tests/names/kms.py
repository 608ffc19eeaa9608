"""Cloud KMS as far as wrapping keys needs it: REST, real AES-GCM, real checksums."""

import base64
import json
import os
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import google_crc32c
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY = "projects/p/locations/global/keyRings/r/cryptoKeys/k"


class FakeKms:
    """Listens on loopback; `calls` names what was asked, `status` makes it refuse."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.status = 200
        self._versions = [AESGCM(os.urandom(32))]
        handler = type("Handler", (_Handler,), {"kms": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def new_version(self) -> None:
        """Rotate the KMS key: it wraps by the new version, and unwraps by any."""
        self._versions.insert(0, AESGCM(os.urandom(32)))

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def answer(self, path: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        name, _, verb = path.removeprefix("/v1/").partition(":")
        self.calls.append(verb)
        if self.status != 200:
            return self.status, _error(self.status, "refused on purpose")
        if name != KEY:
            return 404, _error(404, f"CryptoKey {name} not found")
        context = base64.b64decode(body.get("additionalAuthenticatedData", ""))
        if verb == "encrypt":
            plain = base64.b64decode(body["plaintext"])
            if int(body["plaintextCrc32c"]) != google_crc32c.value(plain):
                return 400, _error(400, "checksum")
            nonce = os.urandom(12)
            wrapped = nonce + self._versions[0].encrypt(nonce, plain, context)
            return 200, {
                "name": f"{KEY}/cryptoKeyVersions/{len(self._versions)}",
                "ciphertext": base64.b64encode(wrapped).decode(),
                "ciphertextCrc32c": str(google_crc32c.value(wrapped)),
                "verifiedPlaintextCrc32c": True,
            }
        wrapped = base64.b64decode(body["ciphertext"])
        for version in self._versions:
            try:
                plain = version.decrypt(wrapped[:12], wrapped[12:], context)
            except InvalidTag:
                continue
            checksum = str(google_crc32c.value(plain))
            encoded = base64.b64encode(plain).decode()
            return 200, {"plaintext": encoded, "plaintextCrc32c": checksum}
        return 400, _error(400, "Decryption failed: verify that 'name' refers to the correct key")


def _error(code: int, message: str) -> dict[str, Any]:
    status = {400: "INVALID_ARGUMENT", 403: "PERMISSION_DENIED", 404: "NOT_FOUND"}
    return {"error": {"code": code, "message": message, "status": status.get(code, "UNAVAILABLE")}}


class _Handler(BaseHTTPRequestHandler):
    kms: FakeKms

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])) or b"{}")
        status, answer = self.kms.answer(self.path.partition("?")[0], body)
        content = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass
