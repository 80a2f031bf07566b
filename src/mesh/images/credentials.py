"""Who to be at a registry: from Docker's config.json, its credential helpers, and Kubernetes' imagePullSecrets.

Sources: github.com/docker/cli (config/configfile), docker-credential-helpers' protocol, Kubernetes' "Pull an Image from
a Private Registry".
"""

import base64
import binascii
import json
import os
import re
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from mesh.images.errors import Denied
from mesh.images.reference import DOCKER_HUB

HELPER_LIMIT = 30.0
DOCKER_HUB_KEYS = ("https://index.docker.io/v1/", "index.docker.io", "docker.io", "registry-1.docker.io")
_HELPER = re.compile(r"[A-Za-z0-9_.-]+")


class Login(NamedTuple):
    """A user and password, or an identity token, which is traded for an access token."""

    user: str = ""
    password: str = ""
    identity_token: str = ""

    def header(self) -> str:
        return "Basic " + base64.b64encode(f"{self.user}:{self.password}".encode()).decode()


def from_secrets(documents: Iterable[str], registry: str, repository: str) -> list[Login]:
    """Logins of `.dockerconfigjson` and `.dockercfg` documents that are for an image, the most specific first.

    Keys may have a path (`registry.example/team`), and `*` in place of a part of the host, as for the kubelet.
    """
    matches: list[tuple[int, Login]] = []
    for document in documents:
        try:
            body = json.loads(document)
        except ValueError:
            continue
        auths = body.get("auths", body) if isinstance(body, dict) else {}
        for key, entry in auths.items() if isinstance(auths, dict) else ():
            if key_matches(str(key), registry, repository) and (login := _login(entry)) is not None:
                matches.append((len(str(key)), login))
    return [login for _, login in sorted(matches, key=lambda match: -match[0])]


def from_docker_config(registry: str, environ: Mapping[str, str]) -> list[Login]:
    """The login that `docker login` (or `podman login`) left for a registry. Raises Denied when a helper fails."""
    for path in config_files(environ):
        try:
            body = json.loads(path.read_text())
        except (OSError, ValueError):
            continue
        if isinstance(body, dict) and (login := _of_config(body, registry, environ)) is not None:
            return [login]
    return []


def config_files(environ: Mapping[str, str]) -> list[Path]:
    home = Path(environ.get("HOME") or "/")
    docker = Path(environ.get("DOCKER_CONFIG") or home / ".docker") / "config.json"
    podman = [Path(environ["REGISTRY_AUTH_FILE"])] if environ.get("REGISTRY_AUTH_FILE") else []
    if environ.get("XDG_RUNTIME_DIR"):
        podman.append(Path(environ["XDG_RUNTIME_DIR"]) / "containers" / "auth.json")
    return [docker, *podman]


def key_matches(key: str, registry: str, repository: str) -> bool:
    """Whether a key of `auths` is for an image: same host (each `*` stands for a part of it), path a prefix."""
    if registry == DOCKER_HUB and key in DOCKER_HUB_KEYS:
        return True
    host, _, path = re.sub(r"^https?://", "", key).rstrip("/").partition("/")
    if path in ("v1", "v2"):
        path = ""
    wanted, actual = host.lower().split("."), registry.lower().split(".")
    fits = len(wanted) == len(actual) and all(
        re.fullmatch(re.escape(pattern).replace(r"\*", "[^.]*"), part)
        for pattern, part in zip(wanted, actual, strict=True)
    )
    return fits and (not path or repository == path or repository.startswith(f"{path}/"))


def _of_config(body: Mapping[str, Any], registry: str, environ: Mapping[str, str]) -> Login | None:
    keys = DOCKER_HUB_KEYS if registry == DOCKER_HUB else (registry, f"https://{registry}")
    helpers = body.get("credHelpers") or {}
    helper = next((helpers[key] for key in keys if key in helpers), "") or body.get("credsStore") or ""
    if helper:
        return ask_helper(str(helper), keys[0], environ)
    auths = body.get("auths") or {}
    for key, entry in auths.items():
        if key_matches(str(key), registry, ""):
            return _login(entry)
    return None


def ask_helper(helper: str, server: str, environ: Mapping[str, str]) -> Login | None:
    """Asks `docker-credential-HELPER get`. None when it has nothing for the server. Raises Denied when it fails."""
    if not _HELPER.fullmatch(helper):
        raise Denied(f'Docker\'s config.json: "{helper}" is not the name of a credential helper')
    program = f"docker-credential-{helper}"
    try:
        answer = subprocess.run(
            [program, "get"],
            input=server,
            capture_output=True,
            text=True,
            env=dict(environ),
            timeout=HELPER_LIMIT,
            check=False,
        )
    except FileNotFoundError:
        raise Denied(f"{program}: Docker's config.json names this credential helper, which is not installed") from None
    except subprocess.TimeoutExpired:
        raise Denied(f"{program}: gave no answer within {HELPER_LIMIT:g} s") from None
    if answer.returncode:
        # Its words for "nothing there" go to its standard output; everything else is a failure of its own.
        if "credentials not found" in answer.stdout + answer.stderr:
            return None
        raise Denied(f"{program}: {(answer.stdout or answer.stderr).strip()[:500]}")
    try:
        body = json.loads(answer.stdout)
        user, secret = str(body["Username"]), str(body["Secret"])
    except (ValueError, KeyError, TypeError):
        raise Denied(f"{program}: answered without Username and Secret") from None
    return Login(identity_token=secret) if user == "<token>" else Login(user, secret)


def _login(entry: Any) -> Login | None:
    if not isinstance(entry, dict):
        return None
    if entry.get("identitytoken"):
        return Login(identity_token=str(entry["identitytoken"]))
    if entry.get("auth"):
        try:
            user, _, password = base64.b64decode(str(entry["auth"])).decode().partition(":")
        except (binascii.Error, ValueError):
            return None
        return Login(user, password.rstrip("\0"))
    if entry.get("username"):
        return Login(str(entry["username"]), str(entry.get("password") or ""))
    return None


def environment() -> Mapping[str, str]:
    return os.environ
