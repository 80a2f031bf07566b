"""Colours in lines of text: `[bold]name[/]`.

The tags are rich's, of which importing takes longer than printing a line by a command as short as `meshmall status`.
Tables, trees and progress are still rich's own; see `meshmall.cli.view`.
"""

import re

# The parameters of ECMA-48's SGR.
STYLES = {"bold": 1, "dim": 2, "red": 31, "green": 32, "yellow": 33, "magenta": 35, "cyan": 36}
_TAG = re.compile(rf"(?P<backslashes>\\*)\[(?P<tag>{'|'.join(STYLES)}|/)\]")


def escape(text: str) -> str:
    """The markup that prints `text` as it is."""
    return _TAG.sub(lambda match: f"{match['backslashes'] * 2}\\[{match['tag']}]", text)


def styled(markup: str, *, colour: bool) -> str:
    """The text of the markup, with escape sequences for its styles, or without them. Other brackets are text."""

    def replacement(match: re.Match[str]) -> str:
        half, escaped = divmod(len(match["backslashes"]), 2)
        tag = match["tag"]
        if escaped:
            return "\\" * half + f"[{tag}]"
        sequence = f"\x1b[{STYLES.get(tag, 0)}m" if colour else ""
        return "\\" * half + sequence

    return _TAG.sub(replacement, markup)
