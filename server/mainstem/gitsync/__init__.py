"""The sync agent: one commit becomes flows and namespace files, whole or not at all.

Order: checkout (git) -> tree (pure: which path is what) -> parse and validate everything ->
plan (pure: desired against stored) -> apply in one transaction.
Law: the last good commit stays live until a valid one replaces it in a single commit.
Must not import executor, scheduler, worker, api, ui or app.
"""
