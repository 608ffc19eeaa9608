"""Who is calling: service-account keys, the token endpoint, and the check of every request.

The one law: a key that was not issued here, or was deleted, or signs wrongly, fails at the
place and with the words with which Google's endpoint refuses it. Private keys are handed to
the caller once and never kept: the state folder holds public keys only.

It must not import the emulators it guards (`bigquery`, `secretmanager`, `console`).
"""
