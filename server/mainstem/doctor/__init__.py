"""Looks at everything a server depends on and says what is wrong and what to do.

Law: nothing is changed except a probe file that is removed again; no secret is ever printed.
"""
