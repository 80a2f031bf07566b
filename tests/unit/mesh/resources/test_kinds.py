"""The registry of kinds and the list of fields without effect agree with the types."""

from typing import Any

import msgspec
import pytest

from mesh.resources.columns.column import NAME_AND_AGE
from mesh.resources.custom.untyped import Untyped
from mesh.resources.gateway_api.types import GROUP as GATEWAY_API
from mesh.resources.kind_definition import Conditions, KindDefinition
from mesh.resources.kinds import REGISTRY
from mesh.resources.validation.inert import INERT, worth_telling
from mesh.resources.validation.manifest import validate
from mesh.resources.values.meta import ObjectMeta
from mesh.resources.values.ref import REPLICA_SET, SERVICE, GroupKind, Ref
from tests.support.objects import with_fields
from tests.support.smallest import GATEWAY, POLICY, RULE

KINDS = [definition for definition in REGISTRY.all() if definition.type is not Untyped]
UNTYPED = [definition for definition in REGISTRY.all() if definition.type is Untyped]


@pytest.mark.parametrize("definition", KINDS, ids=lambda definition: definition.kind)
def test_a_kind_is_found_by_each_of_its_names(definition: KindDefinition) -> None:
    assert REGISTRY.by_kind(definition.group, definition.kind) is definition
    assert REGISTRY.by_plural(definition.group, definition.plural) is definition
    assert REGISTRY.by_type(definition.type) is definition
    assert definition.type.__name__ == definition.kind


@pytest.mark.parametrize("definition", UNTYPED, ids=lambda definition: definition.kind)
def test_a_kind_without_a_type_is_found_by_its_names_and_says_why_it_has_no_effect(definition: KindDefinition) -> None:
    assert REGISTRY.by_kind(definition.group, definition.kind) is definition
    assert REGISTRY.by_plural(definition.group, definition.plural) is definition
    assert definition.no_effect or definition.kind in ("Node", "Endpoints", "CustomResourceDefinition")


def test_istio_kinds_have_three_versions_and_most_kubernetes_kinds_one() -> None:
    several = {
        definition.kind: definition.api_versions
        for definition in KINDS
        if len(definition.versions) > 1 and (definition.group, definition.kind) != (GATEWAY_API, "Gateway")
    }
    assert several.pop("RequestAuthentication") == ("security.istio.io/v1", "security.istio.io/v1beta1")
    assert several.pop("AuthorizationPolicy") == ("security.istio.io/v1", "security.istio.io/v1beta1")
    of_gateway_api = ("gateway.networking.k8s.io/v1", "gateway.networking.k8s.io/v1beta1")
    assert [several.pop(kind) for kind in ("ReferenceGrant", "GatewayClass", "HTTPRoute")] == [of_gateway_api] * 3
    former = {"TLSRoute": ("v1alpha3", "v1alpha2"), "TCPRoute": ("v1alpha2",), "UDPRoute": ("v1alpha2",)}
    for kind, versions in {**former, "BackendTLSPolicy": ("v1alpha3",)}.items():
        assert several.pop(kind) == tuple(f"gateway.networking.k8s.io/{version}" for version in ("v1", *versions))
    assert several.pop("HorizontalPodAutoscaler") == ("autoscaling/v2", "autoscaling/v1")
    assert several == dict.fromkeys(
        ("Gateway", "VirtualService", "DestinationRule", "ServiceEntry", "Sidecar"),
        ("networking.istio.io/v1", "networking.istio.io/v1beta1", "networking.istio.io/v1alpha3"),
    )


def test_a_kind_with_conditions_has_a_status_that_ordinary_writes_leave_alone() -> None:
    without = [
        definition.kind
        for definition in REGISTRY.all()
        if definition.conditions is not Conditions.NONE and "status" not in definition.subresources
    ]
    assert not without


def test_the_two_gateways_are_two_kinds() -> None:
    istio = REGISTRY.by_kind("networking.istio.io", "Gateway")
    gateway_api = REGISTRY.by_kind("gateway.networking.k8s.io", "Gateway")
    assert istio is not None
    assert gateway_api is not None
    assert istio.group_kind != gateway_api.group_kind
    assert istio.type is not gateway_api.type
    assert [column.name for column in istio.columns] == ["Name", "Age", "Programmed"]
    assert [column.name for column in gateway_api.columns] == ["Name", "Class", "Address", "Programmed", "Age"]


def test_every_kind_with_a_spec_of_its_own_prints_more_than_its_name() -> None:
    plain = {definition.kind for definition in KINDS if definition.columns == NAME_AND_AGE}
    # As their CustomResourceDefinitions have it.
    of_gateway_api = {"BackendTLSPolicy", "ReferenceGrant", "TCPRoute", "TLSRoute", "UDPRoute"}
    assert plain == {*of_gateway_api, "ServiceAccount"}


def test_what_runs_at_the_moment_is_not_kept() -> None:
    assert {definition.kind for definition in KINDS if not definition.persistent} == {"Event"}


def test_every_field_without_effect_is_a_field() -> None:
    for part, names in INERT.items():
        known = {field.encode_name for field in msgspec.structs.fields(part)}
        assert names <= known, part


def test_a_field_is_worth_telling_when_it_was_set_on_purpose() -> None:
    assert worth_telling("tolerations", [{"key": "a"}])
    assert worth_telling("hostNetwork", True)
    assert not worth_telling("hostNetwork", False)
    assert not worth_telling("schedulerName", "default-scheduler")
    assert not worth_telling("resources", {})


def test_typed_objects_are_immutable_and_named_in_snake_case() -> None:
    meta = msgspec.convert({"resourceVersion": "7"}, ObjectMeta)
    assert meta.resource_version == "7"
    assert msgspec.to_builtins(meta) == {"resourceVersion": "7"}
    with pytest.raises(AttributeError):
        meta.name = "x"  # type: ignore[misc]


@pytest.mark.parametrize("version", ["v1", "v1beta1", "v1alpha3"])
@pytest.mark.parametrize("body", [RULE, POLICY, GATEWAY], ids=lambda body: body["kind"])
def test_each_version_of_istios_kinds_is_taken_and_kept(body: dict[str, Any], version: str) -> None:
    found = validate(with_fields(body, {"apiVersion": f"networking.istio.io/{version}"}), "mesh")
    assert found.body["apiVersion"] == f"networking.istio.io/{version}"
    assert type(found.typed).__name__ == body["kind"]
    assert found.ref.group == "networking.istio.io"


def test_a_kind_of_another_group_is_not_mistaken_for_a_built_in_one() -> None:
    knative = Ref("serving.knative.dev", "Service", "mesh", "a")
    assert knative.group_kind != SERVICE
    assert Ref("", "Service", "mesh", "a").group_kind == SERVICE
    assert GroupKind.of({"apiVersion": "argoproj.io/v1", "kind": "ReplicaSet"}) != REPLICA_SET
    assert GroupKind.of({"apiVersion": "apps/v1", "kind": "ReplicaSet"}) == REPLICA_SET
