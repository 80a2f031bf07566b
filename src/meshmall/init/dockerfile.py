"""What a Dockerfile says about running its image here: command line, folder, variables, ports.

https://docs.docker.com/reference/dockerfile/. Nothing is built: the program runs from the build context.
"""

import json
import re
import shlex
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

CONTINUED = re.compile(r"\\[ \t]*\n(?:[ \t]*#[^\n]*\n)*")
VARIABLE = re.compile(r"\$(?:\{(\w+)(?::?-([^}]*))?\}|(\w+))")


@dataclass(slots=True)
class Stage:
    """One FROM, with what follows it. `entrypoint` and `cmd` are words; None where the base image decides."""

    base: str
    name: str = ""
    entrypoint: list[str] | None = None
    cmd: list[str] | None = None
    workdir: str = "/"
    env: dict[str, str] = field(default_factory=dict)
    ports: list[int] = field(default_factory=list)
    user: str = ""
    # What COPY brings, as source in the build context and target in the image; `built` comes from other stages.
    copies: list[tuple[str, str]] = field(default_factory=list)
    built: list[tuple[str, str]] = field(default_factory=list)
    runs: list[str] = field(default_factory=list)

    @property
    def words(self) -> list[str]:
        return [*(self.entrypoint or []), *(self.cmd or [])]


def last_stage(text: str, target: str = "") -> Stage | None:
    """The stage that the image is, by default the last one; None where there is no FROM."""
    stages = _stages(text)
    chosen = next((stage for stage in stages if target and stage.name == target), stages[-1] if stages else None)
    if chosen is None:
        return None
    # A stage that begins with another one has what that one says.
    below = next((stage for stage in stages if stage.name and stage.name == chosen.base and stage is not chosen), None)
    if below is None:
        return chosen
    return Stage(
        below.base,
        chosen.name,
        chosen.entrypoint if chosen.entrypoint is not None else below.entrypoint,
        chosen.cmd if chosen.cmd is not None else below.cmd,
        chosen.workdir if chosen.workdir != "/" else below.workdir,
        {**below.env, **chosen.env},
        [*below.ports, *chosen.ports],
        chosen.user or below.user,
        [*below.copies, *chosen.copies],
        [*below.built, *chosen.built],
        [*below.runs, *chosen.runs],
    )


def code_folder(stage: Stage, context: Path) -> Path:
    """The folder of the build context that is the image's working folder."""
    workdir = PurePosixPath(stage.workdir)
    for source, target in stage.copies:
        if PurePosixPath(stage.workdir, target) == workdir and (folder := context / source).is_dir():
            return folder.resolve()
    return context.resolve()


def words_here(stage: Stage, words: list[str]) -> list[str]:
    """A command line in which paths in the working folder are relative to it, as the folder is another one here."""
    prefix = stage.workdir.rstrip("/") + "/"
    if prefix == "/":
        return words
    return [word.removeprefix(prefix) if word.startswith(prefix) else word for word in words]


def _stages(text: str) -> list[Stage]:
    stages: list[Stage] = []
    arguments: dict[str, str] = {}
    for line in CONTINUED.sub(" ", text).splitlines():
        instruction, _, rest = line.strip().partition(" ")
        rest = rest.strip()
        if instruction.upper() == "ARG":
            name, _, value = rest.partition("=")
            arguments[name] = value.strip("\"'")
        elif instruction.upper() == "FROM":
            words = [word for word in rest.split() if not word.startswith("--")]
            name = words[2] if len(words) > 2 and words[1].lower() == "as" else ""
            stages.append(Stage(_replaced(words[0], arguments) if words else "", name))
        elif stages:
            _take(stages[-1], instruction.upper(), rest, arguments)
    return stages


def _take(stage: Stage, instruction: str, rest: str, arguments: dict[str, str]) -> None:
    variables = {**arguments, **stage.env}
    match instruction:
        case "CMD":
            stage.cmd = _words(rest)
        case "ENTRYPOINT":
            stage.entrypoint = _words(rest)
            # The base image's CMD counts no longer, nor does one of before.
            stage.cmd = None
        case "WORKDIR":
            stage.workdir = str(PurePosixPath(stage.workdir, _replaced(rest, variables)))
        case "ENV":
            stage.env |= _variables(rest, variables)
        case "EXPOSE":
            numbers = (word.partition("/")[0] for word in _replaced(rest, variables).split())
            stage.ports += [int(number) for number in numbers if number.isdecimal()]
        case "USER":
            stage.user = _replaced(rest, variables)
        case "RUN":
            stage.runs.append(rest)
        case "COPY" | "ADD":
            words = _words(rest) if rest.startswith("[") else rest.split()
            paths = [word for word in words if not word.startswith("--")]
            copies = stage.built if any(word.startswith("--from=") for word in words) else stage.copies
            copies += [(source, paths[-1]) for source in paths[:-1]]


def _words(rest: str) -> list[str]:
    """The exec form is JSON; the shell form runs in a shell, as its variables and operators need one."""
    if rest.startswith("["):
        try:
            words = json.loads(rest)
            if isinstance(words, list):
                return [str(word) for word in words]
        except ValueError:
            pass
    return ["sh", "-c", rest] if rest else []


def _variables(rest: str, variables: dict[str, str]) -> dict[str, str]:
    try:
        words = shlex.split(rest)
    except ValueError:
        return {}
    if words and "=" not in words[0]:
        name, _, value = rest.partition(" ")
        return {name: _replaced(value.strip(), variables)}
    pairs = (word.partition("=") for word in words)
    return {name: _replaced(value, variables) for name, _, value in pairs}


def _replaced(text: str, variables: dict[str, str]) -> str:
    return VARIABLE.sub(lambda match: variables.get(match[1] or match[3], match[2] or ""), text)
