"""Tooling around the product: data, stand-ins for the network, and the scripts behind `make demo`.

Nothing here is part of the wheel. The one law: these scripts use the server as any user would,
through its command line and its HTTP API, and never import its insides. They may use the
libraries of the `demo` extra (duckdb, httpx, cryptography), and must not be imported by `mainstem`.
"""
