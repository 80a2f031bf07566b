"""Namespace, ConfigMap, Secret, ServiceAccount, Event (Kubernetes core/v1)."""

from typing import Any

from msgspec import field

from mesh.resources.values.meta import Condition, Part, Resource

# Selects a namespace by its name; every Namespace has it.
NAMESPACE_LABEL = "kubernetes.io/metadata.name"


class NamespaceSpec(Part, frozen=True):
    finalizers: list[str] = []


class NamespaceStatus(Part, frozen=True):
    phase: str = "Active"
    conditions: list[Condition] = []


class Namespace(Resource, frozen=True):
    spec: NamespaceSpec = field(default_factory=NamespaceSpec)
    status: NamespaceStatus = field(default_factory=NamespaceStatus)


class ConfigMap(Resource, frozen=True):
    """`binary_data` is base64."""

    data: dict[str, str] = {}
    binary_data: dict[str, str] = {}
    immutable: bool = False


class Secret(Resource, frozen=True):
    """`data` is base64; `string_data` is folded into it when the Secret is stored."""

    data: dict[str, str] = {}
    string_data: dict[str, str] = {}
    type: str = "Opaque"
    immutable: bool = False


class ServiceAccount(Resource, frozen=True):
    secrets: list[dict[str, Any]] = []
    image_pull_secrets: list[dict[str, Any]] = []
    automount_service_account_token: bool | None = None


class ObjectReference(Part, frozen=True):
    api_version: str = ""
    kind: str = ""
    name: str = ""
    namespace: str = ""
    uid: str = ""
    resource_version: str = ""
    field_path: str = ""


class EventSource(Part, frozen=True):
    component: str = ""
    host: str = ""


class Event(Resource, frozen=True):
    """What happened to an object; `count` times since `first_timestamp`."""

    involved_object: ObjectReference = field(default_factory=ObjectReference)
    type: str = "Normal"
    reason: str = ""
    message: str = ""
    count: int = 1
    first_timestamp: str | None = None
    last_timestamp: str | None = None
    event_time: str | None = None
    action: str = ""
    source: EventSource = field(default_factory=EventSource)
    reporting_component: str = ""
    reporting_instance: str = ""
    related: ObjectReference | None = None
    series: dict[str, Any] | None = None
