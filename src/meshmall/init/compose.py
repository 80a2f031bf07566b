"""A compose file (https://github.com/compose-spec/compose-spec) to programs, and what of it has no counterpart here."""

import os
import re
import shlex
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from mesh.resources.values.body import Body
from mesh.resources.values.durations import seconds
from meshmall.init.code import port_of, use_code, use_dockerfile
from meshmall.init.program import CannotInit, Port, Program, Project, Volume, label

FILES = ("compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml")
VARIABLE = re.compile(r"\$(?:(\$)|\{(\w+)(?:(:?[-?+])([^}]*))?\}|(\w+))")
LOCAL_URL = re.compile(r"https?://(?:localhost|127\.0\.0\.1|0\.0\.0\.0):(\d+)(/[^\s\"'|;]*)?")
# Programs that stand for well-known images, if the machine has them.
STAND_INS: Mapping[str, tuple[int, list[str]]] = {
    "redis": (6379, ["redis-server", "--protected-mode", "no"]),
    "valkey": (6379, ["valkey-server", "--protected-mode", "no"]),
    "memcached": (11211, ["memcached"]),
    "nats": (4222, ["nats-server"]),
    "mongo": (27017, ["mongod", "--bind_ip_all"]),
    "postgres": (5432, []),
    "mysql": (3306, []),
    "mariadb": (3306, []),
    "rabbitmq": (5672, []),
}  # fmt: skip
READ = frozenset(
    ("image", "build", "command", "entrypoint", "environment", "env_file", "ports", "expose", "volumes", "healthcheck",
     "working_dir", "user", "scale", "deploy", "stop_grace_period", "extra_hosts", "tmpfs", "depends_on")
)  # fmt: skip
# What a mesh does anyway, or what says nothing about how a program runs.
WITHOUT_LOSS = frozenset(
    ("container_name", "restart", "networks", "labels", "links", "logging", "hostname", "platform", "pull_policy",
     "stdin_open", "tty", "init", "annotations", "attach", "develop", "x-develop", "stop_signal")
)  # fmt: skip


def read_compose(path: Path) -> Project:
    """The programs of a compose file. Raises CannotInit."""
    environment = {**_dotenv(path.parent / ".env"), **os.environ}
    try:
        body = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise CannotInit(f"{path}: {error}") from None
    services = body.get("services") if isinstance(body, dict) else None
    if not isinstance(services, dict) or not services:
        raise CannotInit(f"{path}: services: is missing", "a compose file has a map of services")
    project = Project(label(str(body.get("name") or path.resolve().parent.name)))
    for name, service in services.items():
        if not isinstance(service, dict):
            raise CannotInit(f"{path}: services.{name}: {service!r} is not a service")
        reader = _Reader(project, str(name), _interpolated(service, environment, project), path.parent)
        project.programs.append(reader.program())
    for key in sorted(body.keys() & {"secrets", "configs", "include"}):
        project.note(f"{key}: not translated; use a Secret or a ConfigMap (docs/manifests.md)")
    _find_ports(project, services)
    return project


class _Reader:
    """One service of the file."""

    def __init__(self, project: Project, name: str, service: Body, folder: Path) -> None:
        self._project, self._name, self._service, self._folder = project, name, service, folder

    def program(self) -> Program:
        service = self._service
        own = label(self._name)
        if own != self._name:
            self._note("", f'is called "{own}" here: a Service\'s name has no other characters')
        program = Program(own, str(service.get("image") or f"{self._project.name}/{own}:1.0"))
        self._build(program)
        self._words(program)
        program.env |= self._environment()
        program.secrets = self._env_files()
        self._ports(program)
        self._volumes(program)
        program.probe = self._probe(program)
        self._rest(program)
        for key in sorted(service.keys() - READ - WITHOUT_LOSS):
            if not key.startswith("x-"):
                self._note(key, "not translated")
        return program

    def _note(self, field: str, text: str) -> None:
        self._project.note(f"services.{self._name}{'.' if field else ''}{field}: {text}")

    def _build(self, program: Program) -> None:
        build = self._service.get("build")
        if build is None:
            self._stand_in(program)
            return
        build = {"context": build} if isinstance(build, str) else build
        context = (self._folder / str(build.get("context", "."))).resolve()
        path = context / str(build.get("dockerfile", "Dockerfile"))
        program.folder = context
        if path.is_file():
            use_dockerfile(self._project, program, context, path, str(build.get("target") or ""))
        elif context.is_dir():
            use_code(self._project, program, context)
        else:
            self._note("build", f"{context} is not a folder")

    def _stand_in(self, program: Program) -> None:
        """What runs for an image that is not built here."""
        image = str(self._service.get("image", "")).partition("@")[0].partition(":")[0].rpartition("/")[2]
        port, words = STAND_INS.get(image, (0, []))
        if port:
            program.listens_at(port)
        if words and shutil.which(words[0]):
            program.words = list(words)
            self._note("image", f"{program.image} is this machine's `{shlex.join(words)}` here")
        elif "command" not in self._service and "entrypoint" not in self._service:
            self._note(
                "image",
                f"{program.image} has no program here; write into images.yaml what runs for it, or leave the service "
                "out and let its variables name one that runs already (host.meshmall.internal is this machine)",
            )

    def _words(self, program: Program) -> None:
        entrypoint, command = (_command(self._service.get(key)) for key in ("entrypoint", "command"))
        if entrypoint is not None or command is not None:
            program.doubtful = {port.number for port in program.ports}
        if entrypoint is not None:
            program.words = [*entrypoint, *(command or [])]
        elif command is not None:
            before = program.words if program.image and not self._service.get("build") and program.words else []
            program.words = [*before[:1], *command] if before and command[:1] != before[:1] else list(command)
        if program.words and program.words[0] == "python" and shutil.which("python") is None:
            program.words[0] = "python3"

    def _environment(self) -> dict[str, str]:
        given = self._service.get("environment") or {}
        if isinstance(given, list):
            pairs = [str(line).partition("=") for line in given]
            return {name: value if equals else os.environ.get(name, "") for name, equals, value in pairs}
        return {
            str(name): _text(value) if value is not None else os.environ.get(name, "") for name, value in given.items()
        }

    def _env_files(self) -> dict[str, str]:
        given = self._service.get("env_file") or []
        values: dict[str, str] = {}
        for entry in given if isinstance(given, list) else [given]:
            name, required = (entry, True) if isinstance(entry, str) else (entry["path"], entry.get("required", True))
            path = self._folder / name
            if path.is_file():
                values |= _dotenv(path)
            elif required:
                self._note("env_file", f"{name} does not exist")
        return values

    def _ports(self, program: Program) -> None:
        for entry in self._service.get("expose") or ():
            number = str(entry).partition("/")[0]
            if number.isdecimal():
                program.listens_at(int(number))
        for entry in self._service.get("ports") or ():
            port = _port(entry)
            if port is None:
                self._note("ports", f"{entry}: not translated (ranges and UDP are not)")
                continue
            program.listens_at(port.number, port.published)
            if not port.is_http:
                self._note(
                    "ports",
                    f"{port.published or port.number} speaks no HTTP; from this machine: "
                    f"kubectl port-forward service/{program.name} {port.published or port.number}:{port.number}",
                )

    def _volumes(self, program: Program) -> None:
        for entry in self._service.get("volumes") or ():
            volume = _volume(entry, self._folder)
            if volume is None:
                self._note("volumes", f"{entry}: not translated")
            elif volume.source is not None and program.folder is not None and volume.source == program.folder:
                # The usual way to see changes at once: here the code runs from its folder anyway.
                self._note("volumes", f"{entry}: the program runs in that folder itself")
            else:
                program.volumes.append(volume)
        tmpfs = self._service.get("tmpfs") or []
        for path in tmpfs if isinstance(tmpfs, list) else [tmpfs]:
            program.volumes.append(Volume(str(path).partition(":")[0]))

    def _probe(self, program: Program) -> Body | None:
        check = self._service.get("healthcheck")
        if not check or check.get("disable") or not check.get("test"):
            return None
        test = check["test"]
        words = ["CMD-SHELL", test] if isinstance(test, str) else [str(word) for word in test]
        if words[0] == "NONE":
            return None
        shell = words[1] if words[0] == "CMD-SHELL" else shlex.join(words[1:])
        probe: Body
        if ("curl" in shell or "wget" in shell) and (match := LOCAL_URL.search(shell)):
            probe = {"httpGet": {"path": match[2] or "/", "port": int(match[1])}}
            program.listens_at(int(match[1]))
        else:
            probe = {"exec": {"command": ["sh", "-c", words[1]] if words[0] == "CMD-SHELL" else words[1:]}}
            if words[0] not in ("CMD", "CMD-SHELL"):
                probe = {"exec": {"command": words}}
        for key, field in (("interval", "periodSeconds"), ("timeout", "timeoutSeconds")):
            if key in check:
                probe[field] = max(1, round(_duration(check[key])))
        if "retries" in check:
            probe["failureThreshold"] = max(1, int(check["retries"]))
        # start_period delays nothing: failures in that time do not count, as none of a readiness probe ends a program.
        return probe

    def _rest(self, program: Program) -> None:
        service = self._service
        program.replicas = int((service.get("deploy") or {}).get("replicas") or service.get("scale") or 1)
        user = str(service.get("user", "")).partition(":")[0]
        if user.isdecimal() and int(user):
            program.user = int(user)
        elif user:
            self._note("user", f'"{user}": only numbers are translated')
        if "stop_grace_period" in service:
            program.grace = max(0, round(_duration(service["stop_grace_period"])))
        if working := service.get("working_dir"):
            self._note(
                "working_dir", f"{working} is a folder of the image; the program runs in {program.folder or '/'}"
            )
        for entry in service.get("extra_hosts") or ():
            name, _, address = str(entry).replace("=", ":", 1).partition(":")
            if address and address != "host-gateway":
                program.aliases[name] = address
            elif address:
                self._note("extra_hosts", f"{name}: this machine is host.meshmall.internal here")
        if service.get("depends_on"):
            others = service["depends_on"]
            names = ", ".join(others)
            self._note(
                "depends_on", f"{names}: all start at once; a program that ends since another is missing is restarted"
            )
        for key in sorted((service.get("deploy") or {}).keys() - {"replicas", "restart_policy", "resources"}):
            self._note(f"deploy.{key}", "not translated")


def _find_ports(project: Project, services: Mapping[str, Any]) -> None:
    """The ports of programs for which nothing says them: where others call them, or where their code listens."""
    values = [value for program in project.programs for value in (*program.env.values(), *program.secrets.values())]
    for program, name in zip(project.programs, services, strict=True):
        called = re.compile(rf"(?<![\w.-]){re.escape(str(name))}:(\d{{2,5}})\b")
        for value in values:
            for match in called.finditer(value):
                program.listens_at(int(match[1]))
        if not program.ports and program.env.get("PORT", "").isdecimal():
            program.listens_at(int(program.env["PORT"]))
        if not program.ports and program.folder is not None and (found := port_of(program.folder)) is not None:
            program.listens_at(found[0])
            project.note(f"services.{name}: port {found[0]} was found in {found[1]}")
        if not program.ports:
            project.note(f"services.{name}: no port is known, so no Service leads to it (expose: names one)")
    if not any(port.published for program in project.programs for port in program.ports):
        project.note("no service has ports: nothing can be called from outside (docs/manifests.md: a Gateway)")


def _interpolated(value: Any, environment: Mapping[str, str], project: Project) -> Any:
    if isinstance(value, dict):
        return {key: _interpolated(item, environment, project) for key, item in value.items()}
    if isinstance(value, list):
        return [_interpolated(item, environment, project) for item in value]
    if not isinstance(value, str):
        return value

    def replaced(match: re.Match[str]) -> str:
        if match[1]:
            return "$"
        name, operator, default = match[2] or match[5], match[3] or "", match[4] or ""
        current = environment.get(name)
        is_set = bool(current) if operator.startswith(":") else current is not None
        if operator.endswith("+"):
            return default if is_set else ""
        if is_set:
            return current or ""
        if operator.endswith("-"):
            return default
        project.note(
            f"${name} is not set{f': {default}' if operator.endswith('?') and default else ''}; it is empty here"
        )
        return ""

    return VARIABLE.sub(replaced, value)


def _dotenv(path: Path) -> dict[str, str]:
    values = {}
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError:
        return {}
    for line in lines:
        name, equals, value = line.strip().removeprefix("export ").partition("=")
        if equals and not name.startswith("#"):
            value = value.strip()
            quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "\"'"
            values[name.strip()] = value[1:-1] if quoted else value.partition(" #")[0].strip()
    return values


def _command(given: Any) -> list[str] | None:
    if given is None:
        return None
    return shlex.split(given) if isinstance(given, str) else [str(word) for word in given]


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _duration(text: Any) -> float:
    try:
        return seconds(str(text))
    except ValueError:
        return float(text) if str(text).isdecimal() else 10.0


def _port(entry: Any) -> Port | None:
    """`8000`, `80:8000`, `127.0.0.1:80:8000`, or the long form; None for ranges and UDP."""
    if isinstance(entry, dict):
        if entry.get("protocol", "tcp") != "tcp":
            return None
        target, published = str(entry.get("target", "")), str(entry.get("published", "") or "")
    else:
        text, _, protocol = str(entry).partition("/")
        if protocol not in ("", "tcp"):
            return None
        *front, target = text.rsplit(":", 2)
        published = front[-1] if front else target
    if not target.isdecimal() or (published and not published.isdecimal()):
        return None
    return Port(int(target), int(published or 0))


def _volume(entry: Any, folder: Path) -> Volume | None:
    if isinstance(entry, dict):
        kind, source, target = entry.get("type", "volume"), str(entry.get("source") or ""), entry.get("target")
        read_only = bool(entry.get("read_only"))
        if kind == "tmpfs":
            source = ""
        elif kind not in ("volume", "bind"):
            return None
    else:
        *front, last = str(entry).split(":")
        options = last if len(front) >= 2 else ""
        source, target = (front[0], front[1]) if options else (front[0] if front else "", last)
        read_only = "ro" in options.split(",")
    if not target or not str(target).startswith("/"):
        return None
    if source.startswith((".", "/", "~")):
        return Volume(str(target), source=(folder / Path(source).expanduser()).resolve(), read_only=read_only)
    return Volume(str(target), label(source) if source else "", read_only=read_only)


def names(files: Path) -> Iterator[Path]:
    """The compose files of a folder, the one that counts first."""
    return (files / name for name in FILES if (files / name).is_file())
