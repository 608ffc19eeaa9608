"""Fires triggers when their time has come: schedules, polls and backfills.

Plug-ins say which dates count (`mainstem.sdk.schedule`), `due` decides purely what to do about a
date that has come, and the rest commits that: the slot, the execution and the trigger's row in
one transaction, so that a slot fires exactly once whichever process dies when.
Law: a tick costs as much as there is due, never as much as there are triggers.
Must not import api, ui, executor, worker, gitsync or app.
"""
