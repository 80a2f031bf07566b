"""Services and subsets are compared with the labels of the workloads that there are."""

from typing import Any

from mesh.resources.analysis.analysis import analyze
from mesh.resources.validation.manifest import validate
from tests.support.manifests import deployment
from tests.support.objects import service

SHOP = [service("products"), service("mall")]
V2 = {"version": "v2"}


def said(*bodies: dict[str, Any]) -> list[tuple[str, str, str]]:
    objects = [validate(body, "mesh").typed for body in (*SHOP, *bodies)]
    return [(item.severity, item.code, item.error.path) for item in analyze(objects)]


def test_services_and_subsets_without_pods_are_found_where_workloads_are_known() -> None:
    subsets = {"host": "mall", "subsets": [{"name": "v1", "labels": {"version": "v1"}}, {"name": "v2", "labels": V2}]}
    policy = {
        "apiVersion": "networking.istio.io/v1",
        "kind": "DestinationRule",
        "metadata": {"name": "mall", "namespace": "mesh"},
        "spec": subsets,
    }
    assert said(policy) == []  # there is no workload at all: these are rules alone
    mall = deployment("mall")
    mall["spec"]["template"]["metadata"]["labels"] = {"app": "mall", "version": "v1"}
    mall["spec"]["selector"] = {"matchLabels": {"app": "mall"}}
    assert said(policy, mall) == [
        ("warning", "NoMatchingWorkloadsFound", "spec.selector"),
        ("warning", "DestinationRuleSubsetsNotSelectPods", "spec.subsets[1].labels"),
    ]
