"""What expressions ask the server for: parts of secrets, and files within bounds."""

import json

import pytest

from mainstem.secrets.database import DatabaseSecrets
from mainstem.services import host
from tests.server.conftest import Server

FLOW = """
id: asks
namespace: demo.host
tasks:
  - {id: t, type: io.kestra.plugin.core.log.Log, message: "got %s"}
"""


def test_a_part_of_a_secret_that_is_json_is_read_and_masked(server: Server) -> None:
    content = {"user": "ann", "port": 5432, "password": "hunter2-part"}
    app = server.app
    stored = DatabaseSecrets(app.database, lambda: app.sealer, app.clock)
    stored.put("demo.host", "DB", json.dumps(content))
    found = server.run(
        FLOW % "{{ secret('DB', subkey='port') + '/' + secret('DB', subkey='user') }}"
    )
    assert found.state == "SUCCESS", server.logs(found)
    hidden = server.run(FLOW % "{{ secret('DB', subkey='password') }}")
    assert not any("hunter2" in line for line in server.logs(hidden))
    missing = server.run(FLOW % "{{ secret('DB', subkey='nothing') }}")
    assert missing.state == "FAILED"
    said = "\n".join(server.logs(missing))
    assert "Cannot find secret sub-key 'nothing' in secret 'DB'" in said
    assert "hunter2" not in said


def test_a_file_that_is_too_large_or_no_text_is_refused_not_cut(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(host, "_MOST_READ", 10)
    server.app.files.write("demo.host", "large.txt", b"x" * 11)
    server.app.files.write("demo.host", "binary", b"\xff\xfe")
    large = server.run(FLOW % "{{ read('large.txt') }}")
    assert any("has 11 bytes" in line for line in server.logs(large))
    binary = server.run(FLOW % "{{ read('binary') }}")
    assert any("is not UTF-8 text" in line for line in server.logs(binary))
