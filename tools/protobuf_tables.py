"""Writes src/mesh/api/transport/protobuf_tables.py from Kubernetes' Go types (modules k8s.io/api and apimachinery).

    python -m tools.protobuf_tables ~/go/pkg/mod/k8s.io/api@v0.37.2

Go's struct tags name the JSON field and the number in protobuf; its types say what the generated .proto files do not:
whether zero differs from absent (a pointer).
"""

import re
import sys
import textwrap
from collections.abc import Iterable, Iterator, Set
from pathlib import Path
from typing import NamedTuple

from tests.support.places import ROOT

TARGET = ROOT / "src/mesh/api/transport/protobuf_tables.py"
PACKAGES = (
    *("core/v1", "batch/v1", "apps/v1", "policy/v1", "networking/v1", "scheduling/v1", "coordination/v1"),
    *("discovery/v1", "storage/v1", "rbac/v1", "authorization/v1", "authentication/v1", "autoscaling/v1"),
)
# Kinds whose names another package has, too: their messages are named with the package.
SHARED = {
    "autoscaling/v2": "HorizontalPodAutoscaler",
    "events/v1": "Event",
    "discovery/v1": "EndpointSlice",
    "authentication/v1": "TokenRequest",
}
# The kinds that kubectl and controllers send in protobuf; what they consist of follows.
KINDS = (
    *("Pod", "Job", "CronJob", "Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "Service", "ServiceAccount"),
    *("ConfigMap", "Secret", "Namespace", "ResourceQuota", "PodDisruptionBudget", "Ingress", "PriorityClass"),
    *(
        "PersistentVolumeClaim",
        "PersistentVolume",
        "StorageClass",
        "Eviction",
        "Node",
        "Endpoints",
        "Event",
        "LimitRange",
    ),
    *("ReplicationController", "PodTemplate", "ControllerRevision", "NetworkPolicy", "IngressClass", "Lease"),
    *("Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding", "HorizontalPodAutoscaler", "Scale"),
    *("TokenReview", "SelfSubjectReview", "SelfSubjectAccessReview", "SelfSubjectRulesReview"),
    *("SubjectAccessReview", "LocalSubjectAccessReview", "DeleteOptions"),
)
STRUCT = re.compile(r"^type (\w+) struct \{\n(.*?)^\}", re.DOTALL | re.MULTILINE)
ALIAS = re.compile(r"^type (\w+) (string|int32|int64|bool)$", re.MULTILINE)
FIELD = re.compile(r'^\t(?:\w+\s+)?(\S+)\s+`json:"([^",]*)[^"]*"(?: \w+:"[^"]*")*? protobuf:"\w+,(\d+),', re.MULTILINE)

KNOWN = {
    "string": "str", "bool": "bool", "int32": "int", "int64": "int", "int": "int",
    "metav1.Time": "time", "metav1.MicroTime": "microTime", "intstr.IntOrString": "intOrString",
    "resource.Quantity": "quantity", "ResourceList": "quantityMap", "v1.ResourceList": "quantityMap",
    "map[string]string": "map", "map[string][]byte": "byteMap", "types.UID": "str", "[]byte": "bytes",
    "Time": "time", "MicroTime": "microTime", "FieldsV1": "fieldsV1", "map[string]ExtraValue": "listMap",
    "map[ResourceName]ClaimResourceStatus": "map", "map[string]metav1.Time": "timeMap",
    "map[string]authv1.ExtraValue": "listMap", "runtime.RawExtension": "rawExtension",
}  # fmt: skip


class Types(NamedTuple):
    """The structs by name, and what stands for a string or a number."""

    structs: dict[str, str]
    aliases: dict[str, str]


def main(folder: Path) -> None:
    """Writes the tables."""
    types = _types(folder, PACKAGES)
    tables = _tables(types, KINDS)
    common = _types(folder, ()).structs.keys()
    for package, kind in SHARED.items():
        own = _types(folder, (package,))
        names = own.structs.keys() - common
        for name, fields in _tables(Types(types.structs | own.structs, types.aliases | own.aliases), (kind,)).items():
            if name in names:
                tables[f"{package}:{name}"] = _qualified(fields, package, names)
            else:
                tables.setdefault(name, fields)
    TARGET.write_text(_source(folder.name.partition("@")[2], tables), encoding="utf-8")


def _qualified(fields: str, package: str, names: Set[str]) -> str:
    """Fields whose types are messages of the package itself, named with the package."""

    def qualify(match: re.Match[str]) -> str:
        return f"{match[1] or ''}{package}:{match[2]}" if match[2] in names else match[0]

    return re.sub(r"(?<=\u00a0)(\[\])?(\w+)(?=\??(?:,|$))", qualify, fields)


def _tables(types: Types, kinds: Iterable[str]) -> dict[str, str]:
    """The fields of kinds and of everything that they consist of, by name."""
    tables: dict[str, str] = {}
    pending = list(kinds)
    while pending:
        name = pending.pop()
        if name not in tables:
            fields = list(_fields(types, name))
            # Unbreakable within a field, so that lines end after a comma.
            tables[name] = ", ".join(f"{number}\u00a0{json}\u00a0{kind}" for number, json, kind in fields)
            pending += [word for _, _, kind in fields if (word := kind.strip("[]?")) in types.structs]
    return tables


def _types(folder: Path, packages: Iterable[str]) -> Types:
    structs: dict[str, str] = {}
    aliases: dict[str, str] = {}
    machinery = folder.with_name(folder.name.replace("api@", "apimachinery@"))
    for path in (machinery / "pkg/apis/meta/v1", *(folder / package for package in packages)):
        text = (path / "types.go").read_text(encoding="utf-8")
        aliases |= {name: KNOWN[kind] for name, kind in ALIAS.findall(text)}
        for name, body in STRUCT.findall(text):
            # The first package wins: what others call the same is not sent.
            structs.setdefault(name, body)
    return Types(structs, aliases)


def _fields(types: Types, name: str) -> Iterator[tuple[int, str, str]]:
    """Number, JSON name and type of a struct's fields; those of types that have no table are left out."""
    for go_type, json, number in FIELD.findall(types.structs[name]):
        pointer, listed = go_type.startswith("*"), go_type.startswith("[]")
        plain = (
            go_type.removeprefix("*") if go_type.endswith("[]byte") else go_type.removeprefix("*").removeprefix("[]")
        )
        listed = listed and plain != "[]byte"
        bare = plain.rpartition(".")[2]
        kind = KNOWN.get(plain) or types.aliases.get(bare) or (bare if bare in types.structs else "")
        if not kind or (listed and plain.startswith(("*", "["))):
            continue
        # An embedded struct (no JSON name) is a message of its own in protobuf, and part of the object in JSON.
        yield int(number), json or "-", f"[]{kind}" if listed else f"{kind}?" if pointer else kind


def _source(version: str, tables: dict[str, str]) -> str:
    kinds = ", ".join(f'"{kind}"' for kind in sorted({*KINDS, *(f"{p}:{kind}" for p, kind in SHARED.items())}))
    lines = [
        '"""Kubernetes\' protobuf messages: numbers, names and types of their fields.',
        "",
        f"Written by `python -m tools.protobuf_tables` from k8s.io/api {version}; see `mesh.api.transport.protobuf`",
        'for the notation."""',
        "",
        "# What a body can be; the other messages are parts of these.",
        f"KINDS = frozenset({{{kinds}}})",
        "TABLES = {",
    ]
    for name in sorted(tables):
        parts = textwrap.wrap(tables[name], 104) or ["0 nothing str"]
        parts = [part.replace("\u00a0", " ") for part in parts]
        ends = [" "] * (len(parts) - 1) + [""]
        lines += [
            f'    "{name}": (',
            *(f'        "{part}{end}"' for part, end in zip(parts, ends, strict=True)),
            "    ),",
        ]
    return "\n".join([*lines, "}", ""])


if __name__ == "__main__":
    main(Path(sys.argv[1]))
