"""How the server answers on the wire."""

import socket
from pathlib import Path

from mainstem.cli.up_command import _listen
from mainstem.settings import load_settings


def test_answers_are_not_held_back_for_acknowledgements(tmp_path: Path) -> None:
    """asyncio turns Nagle's algorithm off only where the socket names its protocol."""
    settings = load_settings(
        overrides={"state_dir": str(tmp_path), "server.port": 0}, environment={}
    )
    with _listen(settings) as listener:
        assert listener.proto == socket.IPPROTO_TCP
