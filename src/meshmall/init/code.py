"""What a folder of code says about how it is run: its Dockerfile, Procfile, package.json, pyproject.toml or go.mod."""

import json
import re
import shlex
import shutil
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from meshmall.init.dockerfile import code_folder, last_stage, words_here
from meshmall.init.program import Program, Project, label

SOURCES = ("*.js", "*.mjs", "*.cjs", "*.ts", "*.py", "*.go", "*.rb", "src/*.*", "app/*.py", "cmd/*/*.go")
LONGEST_SOURCE = 200_000
# Where people write the port at which their program listens; the last one is what is used without PORT.
LISTENS = (
    re.compile(r"\.listen\(\s*(?:\{\s*port:\s*)?(\d{2,5})\b"),
    re.compile(r"--(?:port|bind)[ =\",']+(?:[\d.]+:)?(\d{2,5})\b"),
    re.compile(r"ListenAndServe(?:TLS)?\(\s*\"[\w.]*:(\d{2,5})\""),
    re.compile(r"(?i)\bport\s*=\s*(\d{2,5})\b"),
    re.compile(r"\(\s*[\"'](?:0\.0\.0\.0|127\.0\.0\.1|::)?[\"']\s*,\s*(\d{2,5})\s*\)"),
    re.compile(r"(?:PORT[\"'\])]*\s*(?:,|\|\||\?\?|or)\s*[\"']?)(\d{2,5})\b"),
)
PYTHON_FILES = ("manage.py", "main.py", "app.py", "server.py", "__main__.py")
KINDS = ("Dockerfile", "Procfile", "package.json", "pyproject.toml", "requirements.txt", "go.mod", *PYTHON_FILES)


class Found(NamedTuple):
    """A command line, and where it was found."""

    words: list[str]
    source: str


def is_code(folder: Path) -> bool:
    """Whether a folder looks like a program."""
    return any((folder / name).is_file() for name in KINDS)


def add_folder(project: Project, folder: Path, name: str) -> None:
    """Adds the program, or those of the Procfile, that a folder is."""
    procfile = folder / "Procfile"
    if procfile.is_file():
        _add_procfile(project, folder, procfile, name)
        return
    program = Program(label(name), f"{project.name}/{label(name)}:1.0", folder=folder.resolve())
    if (folder / "Dockerfile").is_file():
        use_dockerfile(project, program, folder, folder / "Dockerfile")
    else:
        use_code(project, program, folder)
    publish(project, program, folder)
    project.programs.append(program)


def use_dockerfile(project: Project, program: Program, context: Path, path: Path, target: str = "") -> None:
    """Takes command line, folder, variables and ports from a Dockerfile."""
    stage = last_stage(path.read_text(encoding="utf-8", errors="replace"), target)
    shown = f"{program.name} ({path.parent.name}/{path.name})"
    program.folder = context.resolve()
    if stage is None:
        project.note(f"{shown}: has no FROM; nothing was taken from it")
        return
    program.folder = code_folder(stage, context)
    program.env = {**stage.env, **program.env}
    for number in stage.ports:
        program.listens_at(number)
    if stage.user.isdecimal() and int(stage.user):
        program.user = int(stage.user)
    program.words = words_here(stage, stage.words)
    built = [target for _, target in stage.built]
    first = program.words[0] if program.words else ""
    if not first:
        found = command_of(program.folder)
        if found is not None:
            program.words = found.words
            project.note(f"{shown}: neither CMD nor ENTRYPOINT; taken from {found.source}: {shlex.join(found.words)}")
    elif any(first.lstrip("/") in (target.lstrip("/"), target.lstrip("/").rpartition("/")[2]) for target in built) or (
        "/" in first and not (program.folder / first).exists() and shutil.which(first) is None
    ):
        found = command_of(program.folder)
        if found is not None:
            program.words = found.words
            project.note(f"{shown}: {first} is built in the image; here runs instead ({found.source}): "
                         f"{shlex.join(found.words)}")  # fmt: skip
        else:
            project.note(f"{shown}: {first} is built in the image, which is not done here; build it, and put its path "
                         "into images.yaml")  # fmt: skip
    program.words = _present(project, program)


def use_code(project: Project, program: Program, folder: Path) -> None:
    """Takes the command line from the code alone."""
    found = command_of(folder)
    if found is None:
        project.note(f"{program.name}: nothing in {folder.name} says how it is run; write its command into images.yaml")
        return
    program.words = found.words
    project.note(f"{program.name}: runs `{shlex.join(found.words)}` (from {found.source})")
    program.words = _present(project, program)


def publish(project: Project, program: Program, folder: Path) -> None:
    """Finds the port where none is known, and lets the outside in at it."""
    if not program.ports:
        listening = port_of(folder)
        if listening is None:
            project.note(f"{program.name}: no port was found; without one no Service leads to it")
            return
        number, where = listening
        program.listens_at(number)
        project.note(f"{program.name}: port {number} was found in {where}")
    first = next((port for port in program.ports if port.is_http), None)
    if first is not None:
        program.listens_at(first.number, first.number)


def command_of(folder: Path) -> Found | None:
    """How the code in a folder is run, as its ecosystem has it; None when nothing says so."""
    for read in (_node, _go, _python):
        if found := read(folder):
            return found
    return None


def port_of(folder: Path) -> tuple[int, str] | None:
    """The port in the code, and the place where it is."""
    for path in sorted(path for pattern in SOURCES for path in folder.glob(pattern) if path.is_file()):
        if path.stat().st_size > LONGEST_SOURCE:
            continue
        text = path.read_text(encoding="utf-8", errors="replace")
        for pattern in LISTENS:
            if match := pattern.search(text):
                line = text.count("\n", 0, match.start()) + 1
                return int(match[1]), f"{path.relative_to(folder)}:{line}"
    return None


def _node(folder: Path) -> Found | None:
    try:
        package = json.loads((folder / "package.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if not isinstance(package, dict):
        return None
    if start := (package.get("scripts") or {}).get("start"):
        # npm would be one more process, which does not pass signals on.
        plain = shlex.split(start)
        if plain and plain[0] == "node" and not re.search(r"[$&|;<>]", start):
            return Found(plain, "scripts.start of package.json")
        return Found(["npm", "start"], "scripts.start of package.json")
    main = package.get("main") or next((name for name in ("server.js", "index.js") if (folder / name).is_file()), "")
    return Found(["node", main], "package.json") if main else None


def _go(folder: Path) -> Found | None:
    if not (folder / "go.mod").is_file():
        return None
    commands = sorted(path.parent for path in folder.glob("cmd/*/main.go"))
    package = f"./{commands[0].relative_to(folder)}" if commands and not (folder / "main.go").is_file() else "."
    return Found(["go", "run", package], "go.mod")


def _python(folder: Path) -> Found | None:
    python = ".venv/bin/python" if (folder / ".venv/bin/python").exists() else "python3"
    try:
        scripts = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]["scripts"]
        module, _, function = next(iter(scripts.values())).partition(":")
        return Found([python, "-c", f"from {module} import {function}; {function}()"], "scripts of pyproject.toml")
    except (OSError, ValueError, KeyError, StopIteration, AttributeError):
        pass
    name = next((name for name in PYTHON_FILES if (folder / name).is_file()), "")
    if name == "manage.py":
        return Found([python, name, "runserver", "0.0.0.0:8000"], name)
    return Found([python, name], name) if name else None


def _add_procfile(project: Project, folder: Path, path: Path, name: str) -> None:
    processes = dict(_processes(path.read_text(encoding="utf-8", errors="replace")))
    # foreman's way: 5000 for the first process, and a hundred more for each of the next.
    for number, (process, line) in enumerate(processes.items()):
        own = label(name if process == "web" and len(processes) == 1 else process)
        program = Program(own, f"{project.name}/{own}:1.0", ["sh", "-c", f"exec {line}"], folder.resolve())
        if process == "web" or "$PORT" in line or "${PORT}" in line:
            port = 5000 + 100 * number
            program.env["PORT"] = str(port)
            program.listens_at(port, port)
        project.programs.append(program)


def _processes(text: str) -> Iterator[tuple[str, str]]:
    for line in text.splitlines():
        process, colon, command = line.partition(":")
        if colon and re.fullmatch(r"[A-Za-z0-9_-]+", process.strip()):
            yield process.strip(), command.strip()


def _present(project: Project, program: Program) -> list[str]:
    """The command line with a program that exists here; a note when there is none."""
    words = program.words
    if not words:
        return words
    if words[0] == "python" and shutil.which("python") is None:
        words = ["python3", *words[1:]]
    if words[:2] == ["sh", "-c"] and words[2].startswith("python ") and shutil.which("python") is None:
        words = [*words[:2], "python3" + words[2].removeprefix("python")]
    first = words[0]
    here = program.folder is not None and (program.folder / first).exists()
    own = program.folder / ".venv/bin" / first if program.folder is not None else None
    if own is not None and own.exists() and "/" not in first:
        return [f".venv/bin/{first}", *words[1:]]
    if not here and shutil.which(first) is None:
        project.note(f"{program.name}: {first} is not on your PATH; install it, or change images.yaml")
    return words
