"""Secret Manager, API v1 over REST, as google-cloud-secret-manager speaks it.

The one law: what is not supported is refused by name. Secrets live in one encrypted file that
is replaced whole, so that a crash at any moment leaves the state before or after a call, and
an answer is sent only after the file is on disk. Values appear in `access` answers only:
never in a log, an error or the console.

`app.create_app` is the way in; `service.SecretManager.summaries` is all a console may ask.
It must not import the other emulators.
"""
