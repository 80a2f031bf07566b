"""What every object has (Kubernetes' ObjectMeta), and the base of all typed structs."""

from typing import Any

import msgspec

from mesh.resources.values.ref import GroupKind, Ref


class Part(msgspec.Struct, rename="camel", forbid_unknown_fields=True, frozen=True, kw_only=True, omit_defaults=True):
    """A part of an object: attributes are the snake_case of the JSON fields; unknown fields are refused.

    Immutable; by convention the lists and maps in it are not changed either. `mesh.resources.validation.inert` lists
    the fields without effect.
    """


def as_body(part: msgspec.Struct) -> Any:
    """A struct as the JSON object that it represents."""
    return msgspec.json.decode(msgspec.json.encode(part))


class OwnerReference(Part, frozen=True):
    api_version: str
    kind: str
    name: str
    uid: str
    controller: bool = False
    block_owner_deletion: bool = False

    @property
    def group_kind(self) -> GroupKind:
        """The kind of the owner."""
        return GroupKind(self.api_version.rpartition("/")[0], self.kind)


class ObjectMeta(Part, frozen=True):
    """Times are RFC 3339 in UTC; `generation` counts changes of the spec."""

    name: str = ""
    namespace: str = ""
    generate_name: str = ""
    uid: str = ""
    resource_version: str = ""
    generation: int = 0
    creation_timestamp: str | None = None
    deletion_timestamp: str | None = None
    deletion_grace_period_seconds: int | None = None
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}
    owner_references: list[OwnerReference] = []
    finalizers: list[str] = []
    managed_fields: list[dict[str, Any]] = []
    self_link: str = ""


class Resource(Part, frozen=True):
    """An object: its kind and its name."""

    api_version: str
    kind: str
    metadata: ObjectMeta


def ref_of(typed: Resource) -> Ref:
    """The identity of a typed object."""
    group = typed.api_version.rpartition("/")[0]
    return Ref(group, typed.kind, typed.metadata.namespace, typed.metadata.name)


class LabelSelectorRequirement(Part, frozen=True):
    key: str
    operator: str
    values: list[str] = []


class LabelSelector(Part, frozen=True):
    match_labels: dict[str, str] = {}
    match_expressions: list[LabelSelectorRequirement] = []


class Condition(Part, frozen=True):
    """`status` is True, False or Unknown."""

    type: str
    status: str
    reason: str = ""
    message: str = ""
    last_transition_time: str | None = None
    last_update_time: str | None = None
    last_probe_time: str | None = None
    observed_generation: int | None = None
