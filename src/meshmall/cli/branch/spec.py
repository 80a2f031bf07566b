"""The options of `branch create`, and the Branch object they describe."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mesh.daemon.failure import Failure
from mesh.resources.meshmall.branch import GIT_ANNOTATION, GROUP
from mesh.resources.values.body import Body


@dataclass(frozen=True, slots=True)
class BranchOptions:
    """The options of `branch create`, as typed."""

    forks: Sequence[str] = ()
    env: Sequence[str] = ()
    image: Sequence[str] = ()
    command: Sequence[str] = ()
    replicas: Sequence[str] = ()
    folders: Sequence[str] = ()
    versions: Sequence[str] = ()
    urls: Sequence[str] = ()
    new: Sequence[str] = ()
    includes: Sequence[str] = ()
    cookies: Sequence[str] = ()
    headers: Sequence[str] = ()
    queries: Sequence[str] = ()
    baggage: Sequence[str] = ()
    hosts: Sequence[str] = ()
    fallback: str = ""
    expires: str = ""
    data: Sequence[str] = ()
    data_before: Sequence[str] = ()
    data_after: Sequence[str] = ()
    data_urls: Sequence[str] = ()
    freeze_limit: str = ""

    def branch(self, name: str, git: str = "") -> Body:
        """The Branch object. Raises Failure that names the option and its valid form."""
        services: dict[str, Body] = {service: {"fork": {}} for service in self.forks}
        for option, values, field in (("--version", self.versions, "version"), ("--url", self.urls, "url")):
            for text in values:
                service, value = _pair(option, text, "SERVICE=" + field.upper())
                services[service] = {field: value}
        for text in self.new:
            service, template = _template(text)
            services[service] = {"template": template}
        self._change_forks(services)
        spec: Body = {"enter": self._entries(), "services": services, "includes": list(self.includes)}
        spec["data"] = self._stores()
        spec |= {"fallback": self.fallback, "expires": self.expires}
        metadata: Body = {"name": name}
        if git and git != name:
            metadata["annotations"] = {GIT_ANNOTATION: git}
        return {
            "apiVersion": f"{GROUP}/v1",
            "kind": "Branch",
            "metadata": metadata,
            "spec": {key: value for key, value in spec.items() if value},
        }

    def _entries(self) -> list[Body]:
        entries: list[Body] = []
        for option, values in (
            ("cookie", self.cookies),
            ("header", self.headers),
            ("query", self.queries),
            ("baggage", self.baggage),
        ):
            for text in values:
                name, value = _pair(f"--{option}", text, "NAME=VALUE")
                entries.append({option: {"name": name, "value": value}})
        return entries + [{"host": host} for host in self.hosts]

    def _stores(self) -> dict[str, Body]:
        """The stores by the names that were typed, which may be workloads'."""
        stores: dict[str, Body] = {}
        for text in self.data:
            name, equals, source = text.partition("=")
            if not name or (equals and not source):
                raise Failure(f"--data {text}: use NAME, NAME=empty, NAME=baseline or NAME=SNAPSHOT", code=2)
            stores[name] = {"from": source} if source else {}
            if self.freeze_limit:
                stores[name]["freezeLimit"] = self.freeze_limit
        for text in self.data_urls:
            name, value = _pair("--data-url", text, "NAME=HOST:PORT")
            stores[name] = {"url": value}
        for option, values in (("before", self.data_before), ("after", self.data_after)):
            for text in values:
                name, value = _pair(f"--data-{option}", text, "NAME=COMMAND")
                if name not in stores:
                    names = ", ".join(stores) or "none"
                    raise Failure(f"--data-{option} {text}: {name!r} is not among --data ({names})", code=2)
                # A shell in the pod reads it: variables and pipes mean what they mean there.
                stores[name][option] = ["sh", "-c", value]
        return stores

    def _change_forks(self, services: dict[str, Body]) -> None:
        forks = {name: change["fork"] for name, change in services.items() if "fork" in change}
        variables = [_variable("--env", text, forks) for text in self.env]
        environments: dict[str, dict[str, str]] = {}
        # A variable for one fork wins over one for all, in whatever order they were typed.
        for service, key, value in sorted(variables, key=lambda variable: variable[0] != ""):
            for target in [service] if service else forks:
                environments.setdefault(target, {})[key] = value
        for service, environment in environments.items():
            forks[service]["env"] = [{"name": key, "value": value} for key, value in environment.items()]
        for option, values, field in (("--image", self.image, "image"), ("--command", self.command, "command")):
            for text in values:
                if option == "--image" and "=" not in text and len(forks) == 1:
                    text = f"{next(iter(forks))}={text}"  # noqa: PLW2901 - of one fork, its name need not be said
                service, value = _pair(option, text, "SERVICE=VALUE")
                _fork(option, service, forks)[field] = shlex.split(value) if field == "command" else value
        for text in self.folders:
            targets, folder = _folder(text, forks)
            for service in targets:
                forks[service]["workingDir"] = folder
        for text in self.replicas:
            service, value = _pair("--replicas", text, "SERVICE=NUMBER")
            if not value.isdecimal():
                raise Failure(f"--replicas {text}: {value!r} is not a whole number", code=2)
            _fork("--replicas", service, forks)["replicas"] = int(value)


def _pair(option: str, text: str, shape: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name or not value:
        raise Failure(f"{option} {text}: use {shape}", code=2)
    return name, value


def _fork(option: str, service: str, forks: dict[str, Body]) -> Body:
    if service not in forks:
        names = ", ".join(forks) or "none"
        raise Failure(f"{option} {service}=...: {service!r} is not among the forks ({names})", code=2)
    return forks[service]


def _variable(option: str, text: str, forks: dict[str, Body]) -> tuple[str, str, str]:
    """The fork that gets a variable ("" for all of them), its name and value: `KEY=VALUE` or `SERVICE:KEY=VALUE`."""
    key, equals, value = text.partition("=")
    if not equals:
        raise Failure(f"{option} {text}: use KEY=VALUE or SERVICE:KEY=VALUE", code=2)
    service, colon, key_alone = key.partition(":")
    if colon:
        _fork(option, service, forks)
        return service, key_alone, value
    if not forks:
        raise Failure(f"{option} {text}: nothing is forked", "add --fork SERVICE", code=2)
    return "", key, value


def _folder(text: str, forks: dict[str, Body]) -> tuple[list[str], str]:
    """The forks whose code lies in a folder, and the folder: `PATH` is for every fork, `SERVICE=PATH` for one."""
    service, equals, path = text.partition("=")
    if equals and not Path(text).exists():
        _fork("--dir", service, forks)
        targets = [service]
    elif forks:
        targets, path = list(forks), text
    else:
        raise Failure(f"--dir {text}: nothing is forked", "add --fork SERVICE", code=2)
    folder = Path(path).expanduser().resolve()
    if not folder.is_dir():
        raise Failure(f"--dir {text}: {folder} is not a folder", code=2)
    return targets, str(folder)


def _template(text: str) -> tuple[str, Body]:
    """The service and its pod template for `SERVICE:PORT=COMMAND`."""
    place, equals, command = text.partition("=")
    service, colon, port = place.partition(":")
    words = shlex.split(command)
    if not (equals and colon and service and port.isdecimal() and words):
        raise Failure(f"--new {text}: use SERVICE:PORT=COMMAND", code=2)
    # Many programs listen on 127.0.0.1 unless HOST says otherwise, where only their own pod would reach them.
    environment: list[Body] = [
        {"name": "HOST", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
        {"name": "PORT", "value": port},
    ]
    container = {"name": service, "command": words, "env": environment, "ports": [{"containerPort": int(port)}]}
    return service, {"spec": {"containers": [container]}}
