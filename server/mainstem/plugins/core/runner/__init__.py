"""The runner that needs nothing: processes of this machine."""
