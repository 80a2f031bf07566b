"""What the fields of kinds mean here, one sentence each: what `kubectl explain` shows.

The sentences are text files, one for each package of structs, with a section for each struct and lines of the form
`field, field: sentence`. They are read when the first OpenAPI document is generated: most runs need none of them.
"""

from functools import cache
from pathlib import Path
from typing import Any

from mesh.resources.validation.inert import inert_fields

EVERY_STRUCT = "*"
NO_EFFECT = "Stored as written; it has no effect on one machine."


def description(struct: type[Any], field: str) -> str:
    """What a JSON field of a struct does here; "" where nothing is written about it."""
    if field in inert_fields(struct):
        return NO_EFFECT
    package = struct.__module__.removeprefix("mesh.resources.").partition(".")[0]
    sections = read_package(package)
    general = read_package("values").get(EVERY_STRUCT, {})
    return sections.get(struct.__name__, {}).get(field) or general.get(field, "")


@cache
def read_package(package: str) -> dict[str, dict[str, str]]:
    """The sentences about the structs of a package below `mesh.resources`, by struct and JSON field."""
    path = Path(__file__).with_name(f"{package}.txt")
    return parse(path.read_text(encoding="utf-8")) if path.exists() else {}


def parse(text: str) -> dict[str, dict[str, str]]:
    """The sections of a text. Raises ValueError for a line that is neither a section's name nor a description."""
    sections: dict[str, dict[str, str]] = {}
    section: dict[str, str] | None = None
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        if line.startswith("["):
            section = sections.setdefault(line.strip("[] "), {})
            continue
        names, colon, sentence = line.partition(": ")
        if section is None or not colon:
            raise ValueError(f"line {number} is neither [Struct] nor field: sentence: {line!r}")
        for name in names.split(","):
            section[name.strip()] = sentence.strip()
    return sections
