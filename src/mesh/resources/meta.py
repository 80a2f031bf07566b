"""What every object carries (Kubernetes' ObjectMeta), and the base of all typed structs."""

from typing import Any, ClassVar

import msgspec


class Part(msgspec.Struct, rename="camel", forbid_unknown_fields=True, kw_only=True):
    """A part of an object: attributes are the snake_case of the JSON fields; unknown fields are refused.

    `INERT` names the JSON fields that are real but have no effect on one machine; `REQUIRED_NON_EMPTY` those
    that must hold something.
    """

    INERT: ClassVar[frozenset[str]] = frozenset()


class OwnerReference(Part):
    api_version: str
    kind: str
    name: str
    uid: str
    controller: bool = False
    block_owner_deletion: bool = False


class ObjectMeta(Part):
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


class Resource(Part):
    """An object: what it is, how it is named."""

    api_version: str
    kind: str
    metadata: ObjectMeta


class LabelSelectorRequirement(Part):
    key: str
    operator: str
    values: list[str] = []


class LabelSelector(Part):
    match_labels: dict[str, str] = {}
    match_expressions: list[LabelSelectorRequirement] = []


class Condition(Part):
    """`status` is True, False or Unknown."""

    type: str
    status: str
    reason: str = ""
    message: str = ""
    last_transition_time: str | None = None
    last_update_time: str | None = None
    last_probe_time: str | None = None
    observed_generation: int | None = None
