"""What a ConfigMap or Secret can get wrong by itself, and what may not change in it."""

import base64
import binascii
import json
from collections.abc import Iterable, Iterator, Mapping

from mesh.resources.core.config import ConfigMap, Secret
from mesh.resources.values.names import DATA_KEY
from mesh.resources.values.problems import FieldError, Reason, forbidden, malformed, required

LARGEST_DATA = 1 << 20
SERVICE_ACCOUNT_TOKEN = "kubernetes.io/service-account-token"  # noqa: S105 - a type
SERVICE_ACCOUNT_NAME = "kubernetes.io/service-account.name"
BASIC_AUTH = "kubernetes.io/basic-auth"
REQUIRED_KEYS = {
    "kubernetes.io/tls": ("tls.crt", "tls.key"),
    "kubernetes.io/dockercfg": (".dockercfg",),
    "kubernetes.io/dockerconfigjson": (".dockerconfigjson",),
    "kubernetes.io/ssh-auth": ("ssh-privatekey",),
}
JSON_KEYS = {"kubernetes.io/dockercfg": (".dockercfg",), "kubernetes.io/dockerconfigjson": (".dockerconfigjson",)}
Errors = Iterator[FieldError]


def check_config_map(config: ConfigMap) -> Errors:
    """Everything wrong with a ConfigMap by itself."""
    from mesh.resources.validation.image_map import check_images  # noqa: PLC0415 - it reads YAML: 10 ms at start-up

    yield from _keys(config.data, "data")
    yield from _keys(config.binary_data, "binaryData")
    yield from _base64(config.binary_data, "binaryData", "data")
    for name in config.binary_data.keys() & config.data.keys():
        yield FieldError(f"data[{name[:80]}]", "is in binaryData too")
    yield from _size(config.data, config.binary_data)
    yield from check_images(config)


def check_secret(secret: Secret) -> Errors:
    """Everything wrong with a Secret by itself."""
    yield from _keys(secret.data, "data")
    yield from _base64(secret.data, "data", "stringData")
    yield from _size(secret.data)
    yield from _type(secret)


def _type(secret: Secret) -> Errors:
    """What a Secret of one of Kubernetes' types must have (core/v1, SecretType)."""
    if secret.type == SERVICE_ACCOUNT_TOKEN and not secret.metadata.annotations.get(SERVICE_ACCOUNT_NAME):
        yield required(f"metadata.annotations[{SERVICE_ACCOUNT_NAME}]")
    if secret.type == BASIC_AUTH:
        if "username" not in secret.data and "password" not in secret.data:
            yield required("data[username]", "is missing, and so is password")
            yield required("data[password]", "is missing, and so is username")
        return
    for key in REQUIRED_KEYS.get(secret.type, ()):
        if key not in secret.data:
            yield required(f"data[{key}]", f"is missing; a Secret of type {secret.type} has it")
    for key in JSON_KEYS.get(secret.type, ()):
        if key in secret.data:
            yield from _json(secret.data[key], f"data[{key}]")


def _json(text: str, path: str) -> Errors:
    try:
        json.loads(base64.b64decode(text))
    except ValueError:
        yield FieldError(path, "is not JSON")


def check_config_map_update(old: ConfigMap, new: ConfigMap) -> Errors:
    """What `immutable` promises."""
    yield from _immutable(old, new)
    if old.immutable and old.binary_data != new.binary_data:
        yield forbidden("binaryData", "cannot be changed: the object is immutable")


def check_secret_update(old: Secret, new: Secret) -> Errors:
    """What `immutable` promises, and the type, which says how to read the data."""
    yield from _immutable(old, new)
    if old.type != new.type:
        yield FieldError("type", f'cannot be changed; it is "{old.type}"')


def _immutable(old: ConfigMap | Secret, new: ConfigMap | Secret) -> Errors:
    if not old.immutable:
        return
    if not new.immutable:
        yield forbidden("immutable", "cannot be taken back; delete the object first")
    if old.data != new.data:
        yield forbidden("data", "cannot be changed: the object is immutable")


def _keys(names: Iterable[str], field: str) -> Errors:
    for name in names:
        if not DATA_KEY.fullmatch(name) or name in (".", ".."):
            yield FieldError(f"{field}[{name[:80]}]", 'is not a key: letters, digits, "-", "_" and "."')


def _base64(values: Mapping[str, str], field: str, plain: str) -> Errors:
    for name, text in values.items():
        try:
            base64.b64decode(text.replace("\n", "").replace("\r", ""), validate=True)
        except (binascii.Error, ValueError):
            # Kubernetes decodes it while it reads the object.
            yield malformed(f"{field}[{name[:80]}]", f"is not base64; plain text goes into {plain}")


def _size(*groups: Mapping[str, str]) -> Errors:
    size = sum(len(value) for group in groups for value in group.values())
    if size > LARGEST_DATA:
        yield FieldError("data", f"{size} characters; at most {LARGEST_DATA}", reason=Reason.TOO_LONG)
