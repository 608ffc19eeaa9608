"""`mainstem settings`: the effective settings."""

import argparse
import re
from typing import Final

import yaml

from mainstem.cli.options import add_settings_options, settings_from

# What lies between the slashes and the @ of https://user:token@host/.
_PASSWORD: Final = re.compile(r"^(\w+://)[^/@]*@")


def arguments(parser: argparse.ArgumentParser) -> None:
    add_settings_options(parser)


def run(args: argparse.Namespace) -> int:
    """Prints YAML; secret values are stars."""
    tree = settings_from(args).model_dump(mode="json", by_alias=True)
    for source in tree["git"]["sources"]:
        source["url"] = _PASSWORD.sub(r"\1**********@", source["url"])
    print(yaml.safe_dump(tree, sort_keys=False), end="")
    return 0
