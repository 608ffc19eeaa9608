"""Jobs: what was asked for, how it went, and the work itself.

`job` holds the words, `history` remembers, `runner` runs; `query`, `load`, `copy` and `extract`
are the four kinds of work. The one law: a job that failed changed nothing.

Nothing here may import the routes; jobs are run without HTTP as well.
"""
