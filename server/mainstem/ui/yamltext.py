"""Plain values as the YAML that people write."""

import yaml


class _Dumper(yaml.SafeDumper):
    """Text of several lines as a block."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)


def dump(value: object) -> str:
    """Block style, keys in their order; nothing for null."""
    text = yaml.dump(
        value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, default_flow_style=False
    )
    return text.replace(": null\n", ":\n").removesuffix("...\n")
