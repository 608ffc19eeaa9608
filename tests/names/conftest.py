"""A whole server for tests of namespaces, files and secrets."""

from tests.server.conftest import make_app, server

__all__ = ["make_app", "server"]
