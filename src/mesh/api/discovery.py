"""What clients ask before they ask for objects: versions, groups, kinds (Kubernetes' discovery API)."""

import platform
from typing import Any

from mesh.api.paths import SUBRESOURCES
from mesh.resources.kinds import REGISTRY, KindInfo

Body = dict[str, Any]
VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")
KUBERNETES = ("1", "32")


def version() -> Body:
    """`/version`: the Kubernetes version whose API this follows."""
    major, minor = KUBERNETES
    return {
        "major": major,
        "minor": minor,
        "gitVersion": f"v{major}.{minor}.0+mesh-mall",
        "gitCommit": "",
        "gitTreeState": "clean",
        "buildDate": "1970-01-01T00:00:00Z",
        "goVersion": "",
        "compiler": f"python{platform.python_version()}",
        "platform": f"linux/{platform.machine()}",
    }


def wants_aggregated(accept: str) -> bool:
    """Whether a client asks for all groups with their resources at once (aggregated discovery)."""
    return "as=APIGroupDiscoveryList" in accept.replace(" ", "") and "v=v2" in accept


AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"


def aggregated(*, core: bool) -> Body:
    """`/api` or `/apis` as an APIGroupDiscoveryList (apidiscovery.k8s.io/v2)."""
    names = [""] if core else sorted({info.group for info in REGISTRY.all() if info.group})
    return {
        "kind": "APIGroupDiscoveryList",
        "apiVersion": "apidiscovery.k8s.io/v2",
        "metadata": {},
        "items": [{"metadata": {"name": name}, "versions": _discovered(name)} for name in names],
    }


def _discovered(name: str) -> list[Body]:
    infos = [info for info in REGISTRY.all() if info.group == name]
    versions = dict.fromkeys(version for info in infos for version in info.versions)
    return [
        {
            "version": version,
            "freshness": "Current",
            "resources": [_discovery(info, version) for info in infos if version in info.versions],
        }
        for version in versions
    ]


def _discovery(info: KindInfo, version: str) -> Body:
    own, *others = _resources(info)
    kind = {"group": info.group, "version": version, "kind": info.kind}
    body: Body = {
        "resource": info.plural,
        "responseKind": kind,
        "scope": "Namespaced" if info.namespaced else "Cluster",
        "singularResource": info.singular,
        "verbs": own["verbs"],
    }
    for field in ("shortNames", "categories"):
        if field in own:
            body[field] = own[field]
    if others:
        body["subresources"] = [
            {
                "subresource": other["name"].partition("/")[2],
                "responseKind": {
                    "group": other.get("group", info.group),
                    "version": other.get("version", version),
                    "kind": other["kind"],
                },
                "verbs": other["verbs"],
            }
            for other in others
        ]
    return body


def core(address: str) -> Body:
    """`/api`."""
    return {
        "kind": "APIVersions",
        "versions": ["v1"],
        "serverAddressByClientCIDRs": [{"clientCIDR": "0.0.0.0/0", "serverAddress": address}],
    }


def groups() -> Body:
    """`/apis`."""
    names = sorted({info.group for info in REGISTRY.all() if info.group})
    return {"kind": "APIGroupList", "apiVersion": "v1", "groups": [_group(name) for name in names]}


def group(name: str) -> Body | None:
    """`/apis/GROUP`; None when there is no such group."""
    if not name or name not in {info.group for info in REGISTRY.all()}:
        return None
    return {"kind": "APIGroup", "apiVersion": "v1", **_group(name)}


def resources(name: str, version: str) -> Body | None:
    """`/api/v1` and `/apis/GROUP/VERSION`; None when there is no such version."""
    infos = [info for info in REGISTRY.all() if info.group == name and version in info.versions]
    if not infos:
        return None
    return {
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": f"{name}/{version}" if name else version,
        "resources": [each for info in infos for each in _resources(info)],
    }


def _group(name: str) -> Body:
    versions = next(info.versions for info in REGISTRY.all() if info.group == name)
    listed = [{"groupVersion": f"{name}/{each}", "version": each} for each in versions]
    return {"name": name, "versions": listed, "preferredVersion": listed[0]}


def _resources(info: KindInfo) -> list[Body]:
    own: Body = {
        "name": info.plural,
        "singularName": info.singular,
        "namespaced": info.namespaced,
        "kind": info.kind,
        "verbs": list(VERBS),
    }
    if info.short_names:
        own["shortNames"] = list(info.short_names)
    if info.kind in ("Pod", "Service", "Deployment", "ReplicaSet"):
        own["categories"] = ["all"]
    return [own, *(_subresource(info, name) for name in sorted(SUBRESOURCES.get(info.kind, ())))]


def _subresource(info: KindInfo, name: str) -> Body:
    body: Body = {
        "name": f"{info.plural}/{name}",
        "singularName": "",
        "namespaced": info.namespaced,
        "kind": info.kind,
        "verbs": ["get"] if name == "log" else ["get", "patch", "update"],
    }
    if name == "scale":
        body.update(group="autoscaling", version="v1", kind="Scale")
    return body
