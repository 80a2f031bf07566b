"""The manifests are what a real Kubernetes with Istio takes, and mean what the scenario says."""

import re
import shutil
import subprocess
from typing import Any

import kubernetes_validate
import pytest
import yaml
from cloudcoil.models.istio.networking import v1 as istio

from mesh.resources.analysis.references import check_references
from mesh.resources.validation.manifest import parse, validate
from mesh.resources.values.meta import Resource
from tests.support.places import DEPLOY, ROOT

FILES = ("mesh-mall-v1.yaml", "mesh-routing.yaml", "jason.yaml", "fox.yaml", "mall-v2.yaml")
KUBERNETES = "1.32"
V1 = {"mall", "users", "recommend", "discount", "products", "scores", "sales", "stock"}


def documents(*names: str) -> list[dict[str, Any]]:
    return [body for name in names for body in yaml.safe_load_all((DEPLOY / name).read_text())]


def of_kind(kind: str, *names: str) -> list[dict[str, Any]]:
    return [body for body in documents(*names) if body["kind"] == kind]


@pytest.mark.parametrize("name", [*FILES, "mongodb/mongodb.yaml", "mongodb/users.yaml"])
def test_every_object_fits_the_published_schema(name: str) -> None:
    for body in documents(name):
        if body["apiVersion"].startswith("networking.istio.io"):
            model = getattr(istio, body["kind"])
            parsed = model.model_validate(body)
            extra = [key for key in body["spec"] if key not in parsed.model_dump(by_alias=True)["spec"]]
            assert not extra
        else:
            kubernetes_validate.validate(body, KUBERNETES, strict=True)


def test_the_schemas_refuse_a_misspelt_field() -> None:
    body = of_kind("Deployment", "jason.yaml")[0]
    body["spec"]["replica"] = 1
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(body, KUBERNETES, strict=True)


def typed(*names: str) -> list[Resource]:
    return [validate(manifest.body).typed for name in names for manifest in parse((DEPLOY / name).read_text(), name)]


def test_the_mesh_takes_them_all_and_every_reference_is_there() -> None:
    assert check_references(typed(*FILES)) == []


@pytest.mark.parametrize("left_out", ["jason.yaml", "fox.yaml", "mall-v2.yaml"])
def test_any_branch_may_be_missing(left_out: str) -> None:
    assert check_references(typed(*(name for name in FILES if name != left_out))) == []


def test_the_baseline_has_the_eight_services() -> None:
    assert {body["metadata"]["name"] for body in of_kind("Service", FILES[0])} == V1
    assert {body["metadata"]["name"] for body in of_kind("Deployment", FILES[0])} == {f"{n}-v1" for n in V1}
    ports = [port for body in of_kind("Service", FILES[0]) for port in body["spec"]["ports"]]
    assert [port["nodePort"] for port in ports if "nodePort" in port] == [31004]


def test_no_service_selects_pods_of_another_branch() -> None:
    pods = [body["spec"]["template"]["metadata"]["labels"] for body in of_kind("Deployment", *FILES)]
    for service in of_kind("Service", *FILES):
        expected = service["spec"]["selector"].items()
        taken = [labels for labels in pods if expected <= labels.items()]
        assert taken, service["metadata"]["name"]
        assert {labels["branch"] for labels in taken} == {service["spec"]["selector"]["branch"]}
        assert {labels["app"] for labels in taken} == {service["spec"]["selector"]["app"]}


def cookie_rules() -> dict[str, str]:
    return {
        route["name"]: match["headers"]["cookie"]["regex"]
        for body in of_kind("VirtualService", "jason.yaml", "fox.yaml")
        for route in body["spec"]["http"]
        for match in route.get("match", [])
    }


@pytest.mark.parametrize(
    ("cookie", "holds"),
    [
        ("user=jason", True),
        ("theme=dark; user=jason", True),
        ("theme=dark;user=jason", True),
        ("user=jason; theme=dark", True),
        ("a=b; user=jason; c=d", True),
        ("superuser=jason", False),
        ("user=jason2", False),
        ("user=fox", False),
        ("a=user=jason", False),
        ("xuser=jason; user=fox", False),
        ("", False),
    ],
)
def test_the_cookie_rule_finds_the_user_among_other_cookies(cookie: str, holds: bool) -> None:
    assert bool(re.fullmatch(cookie_rules()["jason"], cookie)) is holds


def test_each_branch_asks_for_its_own_user() -> None:
    rules = cookie_rules()
    assert set(rules) == {"jason", "fox"}
    assert rules["fox"] == rules["jason"].replace("jason", "fox")


def test_every_rule_of_a_branch_ends_with_the_baseline() -> None:
    for body in of_kind("VirtualService", "jason.yaml", "fox.yaml"):
        last = body["spec"]["http"][-1]
        assert "match" not in last
        assert [item["destination"]["host"] for item in last["route"]] == body["spec"]["hosts"]


def test_the_canary_halves_and_is_a_delegate() -> None:
    rule = of_kind("VirtualService", "mall-v2.yaml")[0]
    assert "hosts" not in rule["spec"]
    assert [item["weight"] for item in rule["spec"]["http"][0]["route"]] == [50, 50]


def test_the_commands_are_programs_of_the_mall() -> None:
    source = ROOT / "src"
    for body in of_kind("Deployment", *FILES):
        command = body["spec"]["template"]["spec"]["containers"][0]["command"]
        assert command[:2] == ["python", "-m"]
        assert (source / command[2].replace(".", "/") / "__main__.py").is_file()


def test_kustomize_builds_the_mongodb_variant() -> None:
    kubectl = shutil.which("kubectl")
    if kubectl is None:
        pytest.skip("kubectl is not installed")
    built = subprocess.run(
        [kubectl, "kustomize", str(DEPLOY / "mongodb")],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    bodies = [body for body in yaml.safe_load_all(built.stdout) if body]
    assert {body["kind"] for body in bodies} == {"Secret", "Service", "StatefulSet", "Deployment"}
    assert {body["metadata"]["namespace"] for body in bodies} == {"mesh"}
