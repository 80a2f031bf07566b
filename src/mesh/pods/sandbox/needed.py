"""Which paths of the machine a program needs, read off its command, environment and folder."""

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

MOST_INTERPRETERS = 4
# What ends a path in a line of a shell, or in most other languages.
SHELL = re.compile(r"""[\s;&|<>()"'`,:=]+""")


def needed_paths(argv: Iterable[str], env: Mapping[str, str], cwd: str) -> tuple[str, ...]:
    """The absolute paths that these words name, in order, each once.

    Lists (PATH), options (--file=/x) and lines of a shell (sh -c "cd /x && /y/run >/z") count, too. Whether a path
    exists is seen where the container's file system is put together.
    """
    words = [*argv, *env.values(), cwd]
    parts = (part for word in words for part in _parts(word))
    # "//orders/x" is what is left of a URL.
    paths = (part for part in parts if part.startswith("/") and not part.startswith("//") and part != "/")
    return tuple(dict.fromkeys(paths))


def _parts(word: str) -> Iterator[str]:
    """What may be a path in a word: with the spaces that it may have, and as a shell would read it."""
    for piece in word.split("=", 1):
        yield from piece.split(":")
    if SHELL.search(word):
        yield from SHELL.split(word)


def programs(argv: Sequence[str], path: str) -> list[str]:
    """The files that run when `argv` does: the program, and the interpreter that a script's first line names.

    The program is looked up on the list `path`; what does not exist is left out.
    """
    files: list[str] = []
    word = argv[0]
    while len(files) < MOST_INTERPRETERS:
        candidates = [word] if "/" in word else [f"{folder}/{word}" for folder in path.split(":") if folder]
        # Not Path.is_file, which raises for a folder on the PATH that this user may not enter.
        file = next((candidate for candidate in candidates if os.path.isfile(candidate)), None)  # noqa: PTH113
        if file is None:
            break
        files.append(file)
        words = _first_line(file)
        if not words:
            break
        # "#!/usr/bin/env python3" names the interpreter in its second word.
        word = words[1] if words[0].endswith("/env") and len(words) > 1 else words[0]
    return files


def _first_line(file: str) -> list[str]:
    try:
        with Path(file).open("rb") as stream:
            line = stream.readline(256)
    except OSError:
        return []
    return line[2:].decode(errors="surrogateescape").split() if line.startswith(b"#!") else []
