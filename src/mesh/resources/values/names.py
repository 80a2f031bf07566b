"""Kubernetes' rules for names, labels and ports."""

import re
from collections.abc import Iterator, Mapping, Sequence

from mesh.resources.values.problems import FieldError, Reason, meant

LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
LABEL_VALUE = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?")
QUALIFIED = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
PORT_NAME = re.compile(r"(?=.*[a-z])[a-z0-9]([-a-z0-9]{0,13}[a-z0-9])?")
HEADER = re.compile(r"[-!#$%&'*+.^_`|~0-9A-Za-z]+")
DATA_KEY = re.compile(r"[-._a-zA-Z0-9]{1,253}")
ENV_NAME = re.compile(r"[-._a-zA-Z][-._a-zA-Z0-9]*")
# Of a container's variable: Kubernetes takes more than shells can expand.
VARIABLE = re.compile(r"[ -<>-~]+")
HOST = re.compile(r"(\*|(\*\.)?[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?(\.[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)*)\.?")


def wrong_subdomain(name: str) -> str:
    """Why this cannot be the name of an object; "" when it can."""
    if not name:
        return "is missing"
    if len(name) > 253 or not SUBDOMAIN.fullmatch(name):
        return (
            f'"{name[:80]}" is not a name: lower-case letters, digits, "-" and ".", 253 characters at '
            "the most, a letter or digit first and last"
        )
    return ""


def wrong_path(name: str) -> str:
    """Why this cannot be part of a path, the rule for names of roles (`system:view`); "" when it can."""
    if not name:
        return "is missing"
    if name in (".", "..") or "/" in name or "%" in name:
        return f'"{name[:80]}" is not a name: neither "." nor "..", without "/" and "%"'
    return ""


def wrong_label(name: str) -> str:
    """Why this is not a DNS label, the stricter kind of name; "" when it is one."""
    if not name:
        return "is missing"
    if not LABEL.fullmatch(name):
        return (
            f'"{name[:80]}" is not a name: lower-case letters, digits and "-", at most 63 characters, '
            "a letter or digit first and last"
        )
    return ""


def wrong_labels(labels: Mapping[str, str]) -> list[tuple[str, str]]:
    """The keys of invalid labels, each with the reason."""
    wrong = []
    for key, value in labels.items():
        prefix, slash, name = key.rpartition("/")
        if (slash and wrong_subdomain(prefix)) or not QUALIFIED.fullmatch(name):
            wrong.append((key, f'"{key[:80]}" is not a label\'s name'))
        elif not LABEL_VALUE.fullmatch(value):
            wrong.append((key, f'"{value[:80]}" is not a label\'s value: 63 letters, digits, "-", "_", "."'))
    return wrong


def wrong_host(host: str) -> str:
    """Why this cannot be a host of a rule; "" when it can. A wildcard must be the whole first part."""
    if len(host) > 253 or not HOST.fullmatch(host.lower()):
        return f'"{host[:80]}" is not a host: a DNS name, "*", or "*." before one'
    return ""


def wrong_port(port: int, least: int = 1) -> str:
    """Why this is not a port; "" when it is one."""
    return "" if least <= port <= 65535 else f"{port} is not a port ({least}-65535)"


def wrong_port_name(name: str) -> str:
    """Why this cannot name a port of a container; "" when it can."""
    if not PORT_NAME.fullmatch(name) or "--" in name:
        return f'"{name[:80]}" is not a port\'s name: 15 lower-case letters, digits and "-", a letter among them'
    return ""


def none_of(value: str, valid: Sequence[str], path: str) -> Iterator[FieldError]:
    """An error when a value is not one of the valid ones."""
    if value not in valid:
        words = ", ".join(valid[:-1]) + f" or {valid[-1]}"
        hint = meant(value, valid) if len(valid) > 8 else ""
        yield FieldError(path, f'"{value[:80]}" is not {words}{hint}', reason=Reason.NOT_SUPPORTED)
