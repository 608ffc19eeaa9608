"""The dashboard: server-rendered pages that stay live by signals, readable without JavaScript."""
