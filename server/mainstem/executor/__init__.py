"""Commits what the engine decides: one thread, events in, one transaction per batch out.

Law: nothing is dispatched before the decision that asked for it is committed; anything that was
dispatched can be found again in the rows after a crash. The executor decides nothing about flows.
Must not import scheduler, gitsync, api, ui or app.
"""
