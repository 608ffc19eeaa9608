"""GoogleSQL over DuckDB: text in, BigQuery's results and errors out.

The one law of this package: reject, never ignore. What the parser, the analyzer or the executor
does not know is an error that names it, with BigQuery's wording and `at [line:column]`.

The way through: `lexer` and `parser` turn text into the syntax tree of `tree`; `analysis`
resolves names and types and writes DuckDB SQL; `script` runs statements against a `host.Host`,
which is all this package knows of catalog and storage.

The parser is our own: importing a general SQL library costs four times the start-up budget of
the whole emulator, and its leniency towards other dialects would hide what BigQuery refuses.
Nothing here may import the REST layer, FastAPI or pyarrow.
"""
