"""The schemas that editors read: what the API accepts matches, what it refuses does not."""

from typing import Any

import jsonschema_rs
import pytest
import yaml

from mesh.daemon.failure import Failure
from mesh.resources.kinds import REGISTRY
from mesh.resources.meshmall.branch import Branch
from meshmall.cli.schema import json_schema
from meshmall.manifests import mall_manifest

BRANCH = """
apiVersion: meshmall.dev/v1
kind: Branch
metadata: {name: fox}
spec:
  enter: [{cookie: {name: user, value: fox}}]
  services:
    discount: {fork: {env: [{name: BANNER, value: "true"}]}}
    stock: {url: "http://127.0.0.1:9000"}
"""


def validator(group: str, kind: str) -> Any:
    definition = REGISTRY.by_kind(group, kind)
    assert definition is not None
    return jsonschema_rs.validator_for(json_schema(definition))


def test_a_branch_matches_its_schema_and_a_misspelt_one_does_not() -> None:
    schema = validator("meshmall.dev", "Branch")
    body = yaml.safe_load(BRANCH)
    assert schema.is_valid(body)
    for path, value in (("spec", {"enters": []}), ("kind", "Brunch"), ("spec", {"expires": 48})):
        assert not schema.is_valid({**body, path: value})


def test_the_mall_s_own_manifests_match() -> None:
    for name in ("mesh-mall-v1.yaml", "mesh-routing.yaml", "fox.yaml"):
        for body in yaml.safe_load_all(mall_manifest(name).read_text()):
            group = body["apiVersion"].rpartition("/")[0]
            body["metadata"].pop("creationTimestamp", None)
            errors = [error.message for error in validator(group, body["kind"]).iter_errors(body)]
            assert errors == [], f"{name}: {body['kind']} {body['metadata']['name']}"


def test_every_field_of_a_branch_is_described_and_so_is_the_kind() -> None:
    schema = json_schema(REGISTRY.by_type(Branch))
    undescribed = [
        f"{name}.{field}"
        for name, definition in schema["definitions"].items()
        for field, value in definition.get("properties", {}).items()
        if not value.get("description")
    ]
    assert undescribed == []
    assert schema["definitions"][schema["$ref"].rpartition("/")[2]]["description"].startswith("Your own view")


def test_a_kind_that_is_only_stored_has_no_schema() -> None:
    definition = REGISTRY.by_kind("networking.istio.io", "EnvoyFilter")
    assert definition is not None
    with pytest.raises(Failure, match="EnvoyFilter: this program has no schema"):
        json_schema(definition)
