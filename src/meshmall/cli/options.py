"""Options that many commands share, and the context they make."""

import os
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from mesh.daemon.home import Home, default_home
from meshmall.cli.context import Context
from meshmall.cli.view import View


class Outbound(StrEnum):
    """Whether pods can call hosts that the mesh does not know (Istio's outboundTrafficPolicy)."""

    REGISTRY_ONLY = "registry-only"
    ALLOW_ANY = "allow-any"


HomeOption = Annotated[
    Path | None,
    typer.Option(
        "--home",
        metavar="DIR",
        help="The mesh's folder. Default: $MESHMALL_HOME, or meshmall in your XDG state folder.",
        show_default=False,
    ),
]
NamespaceOption = Annotated[
    str | None, typer.Option("--namespace", "-n", metavar="NAME", help="The namespace. Default: mesh.")
]
FilesOption = Annotated[
    list[str],
    typer.Option("--filename", "-f", metavar="FILE", help="A manifest, a folder of them, or - for stdin."),
]


def context_of(home: Path | None, namespace: str | None = None) -> Context:
    """What a command works with."""
    path = home.expanduser().absolute() if home else default_home(os.environ)
    return Context(Home(path), View(), namespace)
