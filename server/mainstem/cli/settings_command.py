"""`mainstem settings`: the effective settings."""

import argparse

import yaml

from mainstem.cli.options import add_settings_options, settings_from


def arguments(parser: argparse.ArgumentParser) -> None:
    add_settings_options(parser)


def run(args: argparse.Namespace) -> int:
    """Prints YAML; secret values are stars."""
    tree = settings_from(args).model_dump(mode="json", by_alias=True)
    print(yaml.safe_dump(tree, sort_keys=False), end="")
    return 0
