"""Text to flows and back.

Law: nothing here raises on a bad flow. Every reader (editor, command line, sync agent, API) gets
the same list of Problems, all of one file in one pass, each with the exact line and column of the
key or value it is about, a code and, where one can be guessed, a suggestion.

`parse.parse_flow` is the way in; `source` reads the YAML and remembers positions, `defaults`
merges plug-in defaults, `build` makes the typed objects, `validate` holds the rules that look
across the whole flow, `inputs` resolves given values, `dump` writes canonical YAML.
Pure: must not import the engine, the store, services or any plug-in.
"""
