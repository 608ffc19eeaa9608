"""Local Google Cloud: the real client libraries against emulators on this machine.

`mainstem local-gcp up` starts Cloud Storage (a supervised fake-gcs-server), and, in one
process, BigQuery, Secret Manager, the OAuth token endpoint and a read-only console page.
`mainstem local-gcp key` issues a service-account key that works against them unchanged.

The one law: an emulator does not lie. What it does not support it refuses, in the shape of
the cloud's own errors, and what it answers is what the cloud would have answered.

Everything binds to 127.0.0.1 and lives beneath one state folder, held by one process at a
time. Nothing in the orchestrator's core imports this package and this package imports nothing
of the core (`mainstem.app`, `services`, `store`, `engine`, `sdk`, `plugins`).
"""
