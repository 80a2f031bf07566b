"""`branch create --from-git`: the forks run the code of the git worktree in which the command is given."""

import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from mesh.resources.analysis.branch_references import baseline_of, baselines
from mesh.resources.core.config import ConfigMap
from mesh.resources.core.deployment import Deployment
from mesh.resources.core.pod import Container
from mesh.resources.core.service import Service
from mesh.resources.validation.image_map import CONFIG_MAP, KEY, first_match, read_images
from mesh.resources.values.body import Body
from mesh.resources.values.problems import Invalid
from meshmall.cli.branch.names import GIT_LIMIT
from meshmall.cli.context import Context


class Program(NamedTuple):
    """What the baseline runs for a service: command line and folder."""

    words: list[str]
    folder: str


class Worktrees(NamedTuple):
    """The worktree of the current folder, and all others of its repository."""

    current: Path
    others: tuple[Path, ...]

    def counterpart(self, path: str) -> str:
        """The same path in this worktree; "" for one that is in no other worktree, or that this one does not have."""
        inside = [root for root in self.others if root == Path(path) or root in Path(path).parents]
        # A worktree may lie inside another one: the inner one is meant.
        if not inside or self.current == Path(path) or self.current in Path(path).parents:
            return ""
        counterpart = self.current / Path(path).relative_to(max(inside, key=lambda root: len(root.parts)))
        return str(counterpart) if counterpart.exists() else ""


def worktrees() -> Worktrees | None:
    """The worktrees of the current folder's repository; None when it has one only, or there is no repository."""
    current, listing = _git("rev-parse", "--show-toplevel"), _git("worktree", "list", "--porcelain")
    roots = [Path(line.removeprefix("worktree ")) for line in listing.splitlines() if line.startswith("worktree ")]
    others = tuple(root for root in roots if root != Path(current))
    return Worktrees(Path(current), others) if current and others else None


def use_worktree(context: Context, body: Body) -> None:
    """Gives the forks of a Branch that name no folder and no command those of this worktree, where it has them."""
    trees = worktrees()
    services: Body = body["spec"].get("services", {})
    forks = {name: change["fork"] for name, change in services.items() if "fork" in change}
    if trees is None:
        return
    for name, fork in forks.items():
        if fork.get("workingDir") or fork.get("command"):
            continue
        program = _baseline_program(context, name, fork.get("container", ""))
        if program is None:
            continue
        moved = [trees.counterpart(word) or word for word in program.words]
        if program.folder:
            folder = trees.counterpart(program.folder)
        else:
            # It runs nowhere in particular: what it imports is found in this worktree first.
            folder = str(trees.current)
            if moved != program.words:
                fork["command"] = moved
        if folder:
            fork["workingDir"] = folder
            context.view.say(f"{name} runs the code in {folder}")
        elif str(trees.current) not in program.folder:
            context.view.warn(
                f"the baseline's {name} runs in {program.folder}, which is in no worktree of this repository: its code "
                f"is not replaced (--dir {name}=FOLDER does)"
            )


def baselines_of(context: Context, name: str) -> Sequence[Deployment]:
    """The Deployments that a fork of a service can be made from; none when it has no pods."""
    client, namespace = context.client, context.namespace
    services = [msgspec.convert(body, Service) for body in client.list("", "Service", namespace)]
    deployments = [msgspec.convert(body, Deployment) for body in client.list("apps", "Deployment", namespace)]
    service = next((service for service in services if service.metadata.name == name), None)
    return baselines(service, deployments) if service is not None else []


def _baseline_program(context: Context, name: str, container_name: str) -> Program | None:
    """None when there is no such baseline, or when nobody knows what it runs."""
    candidates = baselines_of(context, name)
    if not candidates:
        return None
    containers: Sequence[Container] = baseline_of("", candidates).spec.template.spec.containers
    container = next((part for part in containers if part.name == container_name), containers[0])
    if container.command:
        return Program([*container.command, *container.args], container.working_dir)
    return _image_program(context, container)


def _image_program(context: Context, container: Container) -> Program | None:
    maps = [
        msgspec.convert(body, ConfigMap)
        for body in context.client.list("", "ConfigMap", context.namespace)
        if body["metadata"]["name"] == CONFIG_MAP
    ]
    file = context.home.path / KEY
    sources = [(config.data.get(KEY, ""), Path("/")) for config in maps]
    if file.is_file():
        sources.append((file.read_text(), file.resolve().parent))
    for text, relative_to in sources:
        try:
            mapping = first_match(read_images(text), container.image)
        except Invalid:
            continue  # the mesh reports it
        if mapping is not None:
            folder = str(relative_to / mapping.working_dir) if mapping.working_dir else ""
            return Program([*mapping.command, *(container.args or mapping.args)], folder)
    return None


def _git(*words: str) -> str:
    try:
        ended = subprocess.run(["git", *words], capture_output=True, text=True, timeout=GIT_LIMIT, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return ended.stdout.strip() if ended.returncode == 0 else ""
