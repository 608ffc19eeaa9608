"""Unit tests of flows: `*.test.yaml` files beside them.

`suite` holds the language of the files, `parse` reads them with positions and problems, `mocks`
puts fixtures in the place of tasks, `world` is a whole executor in memory that runs one case in
the caller's thread with a clock of its own, `cases` judges the end of the run, `gate` answers for
a whole commit and `report` prints.

Law: what is not mocked runs for real, on the real engine; nothing of the server's own database,
secrets or files is ever reachable from a test.
Must not import the scheduler, the sync agent, the API or the app.
"""
