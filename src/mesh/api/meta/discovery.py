"""What clients ask before they ask for objects: versions, groups, kinds (Kubernetes' discovery API)."""

import platform
from typing import NamedTuple

from mesh.api.meta import reviews
from mesh.api.node import resource_metrics as usage
from mesh.resources.kind_definition import KindDefinition
from mesh.resources.registry import Registry
from mesh.resources.values.body import Body

VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")
KUBERNETES = ("1", "32")
# What clients may do with a subresource, where it is not to read and to change it.
STREAMS = {"exec": "PodExecOptions", "attach": "PodAttachOptions", "portforward": "PodPortForwardOptions"}
SUBRESOURCE_VERBS = {"log": ["get"], **{name: ["create", "get"] for name in STREAMS}}


class Computed(NamedTuple):
    """A resource that is worked out when it is asked for, and has no objects in the store."""

    group: str
    version: str
    plural: str
    kind: str
    namespaced: bool
    verbs: tuple[str, ...]


COMPUTED = (
    *(Computed(group, "v1", plural, kind, False, ("create",)) for (group, plural), kind in reviews.REVIEWS.items()),
    Computed(usage.GROUP, usage.VERSION, "nodes", "NodeMetrics", False, ("get", "list")),
    Computed(usage.GROUP, usage.VERSION, "pods", "PodMetrics", True, ("get", "list")),
)


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


def aggregated(registry: Registry, *, core: bool) -> Body:
    """`/api` or `/apis` as an APIGroupDiscoveryList (apidiscovery.k8s.io/v2)."""
    names = [""] if core else sorted(_groups(registry))
    return {
        "kind": "APIGroupDiscoveryList",
        "apiVersion": "apidiscovery.k8s.io/v2",
        "metadata": {},
        "items": [{"metadata": {"name": name}, "versions": _discovered(name, registry)} for name in names],
    }


def _groups(registry: Registry) -> dict[str, list[str]]:
    """All groups but the core, with their versions, the preferred one first."""
    found: dict[str, dict[str, None]] = {}
    for info in registry.all():
        if info.group:
            found.setdefault(info.group, {}).update(dict.fromkeys(info.versions))
    for each in COMPUTED:
        found.setdefault(each.group, {})[each.version] = None
    return {name: list(versions) for name, versions in found.items()}


def _discovered(name: str, registry: Registry) -> list[Body]:
    infos = [info for info in registry.all() if info.group == name]
    return [
        {
            "version": version,
            "freshness": "Current",
            "resources": [
                *(_discovery(info, version) for info in infos if version in info.versions),
                *(_discovered_computed(each) for each in COMPUTED if (each.group, each.version) == (name, version)),
            ],
        }
        for version in (_groups(registry)[name] if name else ["v1"])
    ]


def _discovered_computed(computed: Computed) -> Body:
    kind = {"group": computed.group, "version": computed.version, "kind": computed.kind}
    return {
        "resource": computed.plural,
        "responseKind": kind,
        "scope": "Namespaced" if computed.namespaced else "Cluster",
        "singularResource": computed.kind.lower(),
        "verbs": list(computed.verbs),
    }


def _discovery(info: KindDefinition, version: str) -> Body:
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


def groups(registry: Registry) -> Body:
    """`/apis`."""
    listed = [_group(name, versions) for name, versions in sorted(_groups(registry).items())]
    return {"kind": "APIGroupList", "apiVersion": "v1", "groups": listed}


def group(name: str, registry: Registry) -> Body | None:
    """`/apis/GROUP`; None when there is no such group."""
    versions = _groups(registry).get(name)
    return {"kind": "APIGroup", "apiVersion": "v1", **_group(name, versions)} if versions else None


def resources(name: str, version: str, registry: Registry) -> Body | None:
    """`/api/v1` and `/apis/GROUP/VERSION`; None when there is no such version."""
    infos = [info for info in registry.all() if info.group == name and version in info.versions]
    computed = [each for each in COMPUTED if (each.group, each.version) == (name, version)]
    if not infos and not computed:
        return None
    return {
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": f"{name}/{version}" if name else version,
        "resources": [
            *(each for info in infos for each in _resources(info)),
            *(
                {
                    "name": each.plural,
                    "singularName": each.kind.lower(),
                    "namespaced": each.namespaced,
                    "kind": each.kind,
                    "verbs": list(each.verbs),
                }
                for each in computed
            ),
        ],
    }


def _group(name: str, versions: list[str]) -> Body:
    listed = [{"groupVersion": f"{name}/{each}", "version": each} for each in versions]
    return {"name": name, "versions": listed, "preferredVersion": listed[0]}


def _resources(info: KindDefinition) -> list[Body]:
    own: Body = {
        "name": info.plural,
        "singularName": info.singular,
        "namespaced": info.namespaced,
        "kind": info.kind,
        "verbs": list(VERBS),
    }
    if info.short_names:
        own["shortNames"] = list(info.short_names)
    if info.categories:
        own["categories"] = list(info.categories)
    return [own, *(_subresource(info, name) for name in sorted(info.subresources))]


def _subresource(info: KindDefinition, name: str) -> Body:
    body: Body = {
        "name": f"{info.plural}/{name}",
        "singularName": "",
        "namespaced": info.namespaced,
        "kind": info.kind,
        "verbs": SUBRESOURCE_VERBS.get(name, ["get", "patch", "update"]),
    }
    if name == "scale":
        body.update(group="autoscaling", version="v1", kind="Scale")
    elif name in STREAMS:
        body["kind"] = STREAMS[name]
    return body
