"""Core plug-ins: templating."""
