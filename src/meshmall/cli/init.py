"""`meshmall init`: writes manifests and an images.yaml for what is in a folder, and says what has no counterpart."""

import shlex
from pathlib import Path

import yaml

from mesh.daemon.failure import Failure
from mesh.resources.validation.image_map import read_images
from mesh.resources.validation.manifest import validate
from mesh.resources.values.problems import Invalid
from meshmall.cli.view import View
from meshmall.init.code import add_folder, is_code
from meshmall.init.compose import names, read_compose
from meshmall.init.output import IMAGES, MANIFESTS, as_yaml, front, images, manifests
from meshmall.init.program import CannotInit, Project, label

# The folder becomes the mesh's home, with keys and data that belong to nobody's repository.
GITIGNORE = f"*\n!.gitignore\n!{MANIFESTS}\n!{IMAGES}\n"
HEADER = "# Written by `meshmall init`. Yours from now on: nothing writes it again.\n"


def init(view: View, source: Path, output: Path, *, force: bool) -> None:
    """Writes the files. Raises Failure, with nothing written, when nothing can be read or a file exists already."""
    try:
        project = read(source)
    except CannotInit as error:
        raise Failure(error.message, error.remedy) from None
    files = {output / MANIFESTS: _manifests(project), output / IMAGES: _images(project, output)}
    existing = [str(path) for path in files if path.exists()]
    if existing and not force:
        raise Failure(f"{' and '.join(existing)}: already there; nothing was written", "to write them anew: --force")
    try:
        output.mkdir(parents=True, exist_ok=True)
        for path, text in files.items():
            path.write_text(HEADER + text, encoding="utf-8")
            # Variables of env_files may be in it.
            path.chmod(0o600)
        if not (output / ".gitignore").exists():
            (output / ".gitignore").write_text(GITIGNORE)
    except OSError as error:
        raise Failure(f"{output}: {error.strerror}") from None
    for program in project.programs:
        if program.secrets:
            names = ", ".join(program.secrets)
            project.note(f"{program.name}: the values of {names} are in {output / MANIFESTS}; do not publish it")
    _report(view, project, output)


def read(source: Path) -> Project:
    """What a compose file, or a folder, has. Raises CannotInit."""
    if source.is_file():
        return read_compose(source)
    if not source.is_dir():
        raise CannotInit(f"{source}: there is no such file or folder")
    if (compose := next(names(source), None)) is not None:
        return read_compose(compose)
    project = Project(label(source.resolve().name))
    folders = [source] if is_code(source) else []
    if not folders:
        folders = sorted(path for path in source.iterdir() if path.is_dir() and not path.name.startswith("."))
    for folder in folders:
        if is_code(folder):
            add_folder(project, folder, folder.resolve().name)
    if not project.programs:
        raise CannotInit(
            f"{source}: neither it nor one of its folders has a compose file, Dockerfile, Procfile, package.json, "
            "pyproject.toml or go.mod",
            "name a folder or a compose file: meshmall init PATH",
        )
    return project


def _manifests(project: Project) -> str:
    bodies = manifests(project)
    for body in bodies:
        try:
            validate(body, "mesh")
        except Invalid as error:
            raise Failure(
                str(error), "nothing was written; the source says something that Kubernetes refuses"
            ) from None
    return as_yaml(bodies)


def _images(project: Project, output: Path) -> str:
    text = yaml.safe_dump(images(project, output), sort_keys=False, width=120)
    try:
        read_images(text)
    except Invalid as error:
        raise Failure(str(error), "nothing was written") from None
    return text


def _report(view: View, project: Project, output: Path) -> None:
    for program in project.programs:
        ports = ", ".join(str(port.number) for port in program.ports) or "none"
        command = shlex.join(program.words) if program.words else "nothing yet"
        view.plain(f"{program.name}: port {ports}, runs {command}")
    view.plain(f"\nwrote {output / MANIFESTS} and {output / IMAGES}")
    if project.notes:
        view.plain("\nWhat to know, and what was not translated:")
        for note in project.notes:
            view.plain(f"  - {note}")
    home = shlex.quote(str(output.resolve()))
    view.plain("\nNext:")
    view.plain(f"  export MESHMALL_HOME={home}")
    view.plain("  meshmall up --empty")
    view.plain(f"  meshmall apply -f {shlex.quote(str(output / MANIFESTS))} --wait")
    first = front(project)
    if first is not None:
        view.plain("  curl http://127.0.0.1:8080/")
    forked = next((program for program in project.programs if program.words and program is not first), first)
    if forked is not None:
        view.plain(f"  meshmall branch create mine --cookie user=me --fork {forked.name}")
