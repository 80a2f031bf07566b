"""Options that many commands share, and the context made of them."""

import os
from enum import StrEnum
from pathlib import Path
from typing import Annotated

from mesh.daemon.failure import Failure
from mesh.daemon.home import Home, default_home
from meshmall.cli.context import Context
from meshmall.cli.declare import Option
from meshmall.cli.view import View


class NetworkMode(StrEnum):
    """How pods are connected."""

    AUTO = "auto"
    NAMESPACES = "namespaces"
    LOOPBACK = "loopback"


class ImageMode(StrEnum):
    """Which containers run from their images."""

    AUTO = "auto"
    ALWAYS = "always"
    NEVER = "never"


class Outbound(StrEnum):
    """Whether pods can call hosts unknown to the mesh (Istio's outboundTrafficPolicy)."""

    REGISTRY_ONLY = "registry-only"
    ALLOW_ANY = "allow-any"


HomeOption = Annotated[
    Path | None,
    Option(
        "--home",
        metavar="DIR",
        help="The mesh's folder. Default: $MESHMALL_HOME, or meshmall in the XDG state folder.",
        show_default=False,
    ),
]
NamespaceOption = Annotated[
    str | None,
    Option(
        "--namespace",
        "-n",
        metavar="NAME",
        help="The namespace. Default: mesh.",
        show_default=False,
        complete="namespace",
    ),
]
AllNamespacesOption = Annotated[bool, Option("--all-namespaces", "-A", help="Objects of every namespace.")]
FilesOption = Annotated[
    list[str],
    Option("--filename", "-f", metavar="FILE", help="A manifest, a folder of manifests, or - for stdin."),
]
TimeoutOption = Annotated[float, Option(metavar="SECONDS", help="How long to wait.")]
HeadersOption = Annotated[
    list[str] | None,
    Option("--header", "-H", metavar="'NAME: VALUE'", help="For example 'cookie: user=fox'."),
]
# curl's name for it is --request; --method is what people try next.
MethodOption = Annotated[str, Option("--request", "--method", "-X", metavar="METHOD", help="The request's method.")]
JsonOutputOption = Annotated[str, Option("--output", "-o", help="text or json")]
ObjectsOutputOption = Annotated[str, Option("--output", "-o", help="text, json, yaml or name")]
PrintOption = Annotated[bool, Option("--print", help="Print the address without opening it.")]


def common(home: HomeOption = None, namespace: NamespaceOption = None) -> None:
    """Declares the options that every command accepts."""


def context_of(home: Path | None, namespace: str | None = None) -> Context:
    """What a command works with. Raises Failure when the home is another user's."""
    folder = Home(home.expanduser().absolute() if home else default_home(os.environ))
    folder.require_own()
    return Context(folder, View(), namespace)


def require_output(output: str, *formats: str) -> None:
    """Raises Failure when `-o` is none of the formats that the command has."""
    if output not in formats:
        *others, last = formats
        raise Failure(f"-o {output}: use {', '.join(others)} or {last}", code=2)
