"""Runs attempts of runnable tasks and tells the executor how they went.

Law: a worker decides nothing about the flow. It renders, runs, collects outputs, logs and
metrics, and reports one Finished event per attempt, whatever happened.
Must not import executor, scheduler, gitsync, api, ui or app.
"""
