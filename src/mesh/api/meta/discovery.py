"""Versions, groups and kinds that are served (Kubernetes' discovery API)."""

import platform
from typing import NamedTuple

from mesh.api.meta import reviews
from mesh.api.node import resource_metrics as usage
from mesh.resources.kind_definition import KindDefinition
from mesh.resources.registry import Registry
from mesh.resources.values.body import Body

VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")
KUBERNETES = ("1", "32")
# The verbs of subresources that are not read and changed.
TOKEN = {"group": "authentication.k8s.io", "version": "v1", "kind": "TokenRequest"}
STREAMS = {"exec": "PodExecOptions", "attach": "PodAttachOptions", "portforward": "PodPortForwardOptions"}
SUBRESOURCE_VERBS = {
    "log": ["get"],
    "token": ["create"],
    "eviction": ["create"],
    **{name: ["create", "get"] for name in STREAMS},
}


# Names for all kinds of a group together, as in the groups' CustomResourceDefinitions: `kubectl get istio-io`.
CATEGORIES = {
    **{
        f"{part}.istio.io": ("istio-io", f"{part}-istio-io")
        for part in ("networking", "security", "telemetry", "extensions")
    },
    "gateway.networking.k8s.io": ("gateway-api",),
    "apiextensions.k8s.io": ("api-extensions",),
    "admissionregistration.k8s.io": ("api-extensions",),
}


class Computed(NamedTuple):
    """A resource that is computed on request, and has no objects in the store."""

    group: str
    version: str
    plural: str
    kind: str
    namespaced: bool
    verbs: tuple[str, ...]


COMPUTED = (
    *(Computed(group, "v1", plural, kind, False, ("create",)) for (group, plural), kind in reviews.REVIEWS.items()),
    Computed(reviews.AUTHORIZATION, "v1", reviews.LOCAL, "LocalSubjectAccessReview", True, ("create",)),
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
    """Whether a client wants all groups with their resources at once (aggregated discovery)."""
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
    """All groups except the core, with their versions, the preferred one first."""
    groups: dict[str, dict[str, None]] = {}
    for definition in registry.all():
        if definition.group:
            groups.setdefault(definition.group, {}).update(dict.fromkeys(definition.versions))
    for computed in COMPUTED:
        groups.setdefault(computed.group, {})[computed.version] = None
    return {name: list(versions) for name, versions in groups.items()}


def _discovered(name: str, registry: Registry) -> list[Body]:
    definitions = sorted((d for d in registry.all() if d.group == name), key=lambda definition: definition.plural)
    return [
        {
            "version": version,
            "freshness": "Current",
            "resources": [
                *(_discovery(definition, version) for definition in definitions if version in definition.versions),
                *(_discovered_computed(c) for c in COMPUTED if (c.group, c.version) == (name, version)),
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


def _discovery(definition: KindDefinition, version: str) -> Body:
    resource, *subresources = _resources(definition)
    kind = {"group": definition.group, "version": version, "kind": definition.kind}
    body: Body = {
        "resource": definition.plural,
        "responseKind": kind,
        "scope": "Namespaced" if definition.namespaced else "Cluster",
        "singularResource": definition.singular,
        "verbs": resource["verbs"],
    }
    for field in ("shortNames", "categories"):
        if field in resource:
            body[field] = resource[field]
    if subresources:
        body["subresources"] = [
            {
                "subresource": subresource["name"].partition("/")[2],
                "responseKind": {
                    "group": subresource.get("group", definition.group),
                    "version": subresource.get("version", version),
                    "kind": subresource["kind"],
                },
                "verbs": subresource["verbs"],
            }
            for subresource in subresources
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
    served = (d for d in registry.all() if d.group == name and version in d.versions)
    definitions = sorted(served, key=lambda definition: definition.plural)
    computed = [c for c in COMPUTED if (c.group, c.version) == (name, version)]
    if not definitions and not computed:
        return None
    return {
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": f"{name}/{version}" if name else version,
        "resources": [
            *(resource for definition in definitions for resource in _resources(definition)),
            *(
                {
                    "name": c.plural,
                    "singularName": c.kind.lower(),
                    "namespaced": c.namespaced,
                    "kind": c.kind,
                    "verbs": list(c.verbs),
                }
                for c in computed
            ),
        ],
    }


def _group(name: str, versions: list[str]) -> Body:
    listed = [{"groupVersion": f"{name}/{version}", "version": version} for version in versions]
    return {"name": name, "versions": listed, "preferredVersion": listed[0]}


def _resources(definition: KindDefinition) -> list[Body]:
    resource: Body = {
        "name": definition.plural,
        "singularName": definition.singular,
        "namespaced": definition.namespaced,
        "kind": definition.kind,
        "verbs": list(VERBS),
    }
    if definition.short_names:
        resource["shortNames"] = list(definition.short_names)
    if categories := [*definition.categories, *CATEGORIES.get(definition.group, ())]:
        resource["categories"] = categories
    return [resource, *(_subresource(definition, name) for name in sorted(definition.subresources))]


def _subresource(definition: KindDefinition, name: str) -> Body:
    body: Body = {
        "name": f"{definition.plural}/{name}",
        "singularName": "",
        "namespaced": definition.namespaced,
        "kind": definition.kind,
        "verbs": SUBRESOURCE_VERBS.get(name, ["get", "patch", "update"]),
    }
    if name == "scale":
        body.update(group="autoscaling", version="v1", kind="Scale")
    elif name == "token":
        body.update(TOKEN)
    elif name == "eviction":
        body.update(group="policy", version="v1", kind="Eviction")
    elif name in STREAMS:
        body["kind"] = STREAMS[name]
    return body
