"""What is known of a program before it becomes manifests: the same, whatever it was read from."""

import re
from dataclasses import dataclass, field
from pathlib import Path

from mesh.resources.values.body import Body

# Ports at which databases and brokers are called, which speak no HTTP.
TCP_PORTS = frozenset((1433, 1521, 2181, 3306, 4222, 5432, 5672, 6379, 9042, 9092, 11211, 27017))


class CannotInit(Exception):
    """What was given cannot be read. `remedy` says what to do."""

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy


@dataclass(frozen=True, slots=True)
class Port:
    """A port at which a program listens; `published` is the machine's, 0 where nobody outside calls it."""

    number: int
    published: int = 0

    @property
    def is_http(self) -> bool:
        return self.number not in TCP_PORTS


@dataclass(frozen=True, slots=True)
class Volume:
    """What is mounted at `path`: the claim `name`, a folder or file of this machine, or (neither) something empty."""

    path: str
    name: str = ""
    source: Path | None = None
    read_only: bool = False


@dataclass(slots=True)
class Program:
    """A service-to-be. `words` is its command line, empty where nobody knows one; `folder` is where it runs.

    `secrets` are variables from files, which stay out of the Deployment. `doubtful` are ports that the image exposes,
    where a command line that is not the image's own may not listen.
    """

    name: str
    image: str
    words: list[str] = field(default_factory=list)
    folder: Path | None = None
    env: dict[str, str] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)
    ports: list[Port] = field(default_factory=list)
    volumes: list[Volume] = field(default_factory=list)
    probe: Body | None = None
    replicas: int = 1
    user: int | None = None
    grace: int | None = None
    aliases: dict[str, str] = field(default_factory=dict)
    doubtful: set[int] = field(default_factory=set)

    def listens_at(self, number: int, published: int = 0) -> None:
        """Adds a port, unless it is known."""
        self.doubtful.discard(number)
        for at, port in enumerate(self.ports):
            if port.number == number:
                if published and not port.published:
                    self.ports[at] = Port(number, published)
                return
        self.ports.append(Port(number, published))


@dataclass(slots=True)
class Project:
    """All programs, and `notes`: what could not be translated, and what the reader has to know."""

    name: str
    programs: list[Program] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def note(self, text: str) -> None:
        if text not in self.notes:
            self.notes.append(text)


def label(text: str) -> str:
    """A name as Kubernetes takes it."""
    return re.sub(r"[^a-z0-9-]+", "-", text.lower()).strip("-")[:50] or "app"
