"""Which paths of the machine a program needs, read off its command, environment and folder."""

from collections.abc import Iterable, Mapping


def needed_paths(argv: Iterable[str], env: Mapping[str, str], cwd: str) -> tuple[str, ...]:
    """The absolute paths that these words name, in order, each once. Lists (PATH) and options (--file=/x) count, too.

    Nothing is looked up: whether a path exists is seen where the container's file system is put together.
    """
    words = [*argv, *env.values(), cwd]
    parts = (part for word in words for piece in word.split("=", 1) for part in piece.split(":"))
    return tuple(dict.fromkeys(part for part in parts if part.startswith("/") and part.strip("/")))
