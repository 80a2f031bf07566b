"""Options in front of the command: `meshmall -n shop get pods` means `meshmall get pods -n shop`."""

from collections.abc import Sequence

from meshmall.cli.declare import Group

# The options that people put there: where the mesh is, and what a request is.
MOVED = ("--home", "--namespace", "-n", "--request", "--method", "-X", "--header", "-H")


def with_options_last(group: Group, words: Sequence[str]) -> list[str]:
    """The words with such options moved behind the name of the command, whose own they are there.

    Words that name no command are returned as they are: whoever reads them has to say what is wrong.
    """
    names: list[str] = []
    options: list[str] = []
    rest = list(words)
    while rest:
        if rest[0].startswith("-"):
            count = _words_of_option(rest[0])
            if not count or len(rest) < count:
                return list(words)
            options += rest[:count]
            del rest[:count]
            continue
        name = rest.pop(0)
        names.append(name)
        if name in group.commands:
            return [*names, *options, *rest]
        if name not in group.groups:
            break
        group = group.groups[name]
    return list(words)


def _words_of_option(word: str) -> int:
    """How many words an option takes with its value; 0 when it is none of those that are moved."""
    name, equals, _ = word.partition("=")
    if word.startswith("--"):
        return (1 if equals else 2) if name in MOVED else 0
    if word in MOVED:
        return 2
    return 1 if word[:2] in MOVED else 0  # -XPOST
