"""What is refused of a Branch, and in which words."""

from typing import Any

import msgspec
import pytest

from mesh.resources.analysis.branch_references import Surroundings, check_branches
from mesh.resources.checks.branch import url_address
from mesh.resources.meshmall.branch import Branch, entry_keys
from mesh.resources.validation.manifest import validate
from mesh.resources.values.meta import OwnerReference, Resource
from mesh.resources.values.problems import Invalid
from tests.support.objects import Body, body, service

FORK: Body = {"products": {"fork": {}}}


def branch(name: str = "fox", **spec: Any) -> Body:
    given = {"services": FORK, **spec}
    metadata = {"name": name, "namespace": "mesh"}
    return {"apiVersion": "meshmall.dev/v1", "kind": "Branch", "metadata": metadata, "spec": given}


def typed(raw: Body) -> Resource:
    return validate(raw).typed


def made(name: str = "fox", **spec: Any) -> Branch:
    found = typed(branch(name, **spec))
    assert isinstance(found, Branch)
    return found


@pytest.mark.parametrize(
    ("name", "spec", "told"),
    [
        ("a" * 41, {}, "metadata.name: 41 characters; at most 40"),
        ("fox.b", {}, "metadata.name"),
        ("fox", {"services": {}}, "spec.services: is empty"),
        (
            "fox",
            {"enter": [{}]},
            "spec.enter[0]: needs exactly one of cookie, header, query, baggage, host; it has none",
        ),
        (
            "fox",
            {"enter": [{"cookie": {"name": "a", "value": "b"}, "host": "x.y"}]},
            "spec.enter[0]: needs exactly one of cookie, header, query, baggage, host; it has cookie and host",
        ),
        (
            "fox",
            {"enter": [{"cookie": {"name": "user", "value": ""}}]},
            "spec.enter[0].cookie.value: is empty, and would",
        ),
        ("fox", {"enter": [{"host": "*"}]}, 'spec.enter[0].host: "*" would match every request'),
        (
            "fox",
            {"enter": [{"header": {"name": "Host", "value": "a"}}]},
            "cannot be used to enter a branch: every request has it",
        ),
        ("fox", {"enter": [{"header": {"name": "X-Branch", "value": "a"}}]}, "the mesh itself writes it"),
        (
            "fox",
            {"enter": [{"cookie": {"name": "user", "value": "a b"}}]},
            'spec.enter[0].cookie.value: "a b" cannot be',
        ),
        ("fox", {"enter": [{"baggage": {"name": "branch", "value": "a"}}]}, "every branch is entered by it"),
        (
            "fox",
            {"services": {"products": {}}},
            "spec.services[products]: needs exactly one of fork, version, template",
        ),
        (
            "fox",
            {"services": {"products": {"fork": {}, "url": "http://127.0.0.1:1"}}},
            "spec.services[products]: needs exactly one of fork, version, template, url; it has fork and url",
        ),
        ("fox", {"services": {"products": {"url": "https://127.0.0.1:1"}}}, "is not plain http to a host and port"),
        ("fox", {"services": {"products": {"url": "http://example.com"}}}, "is a name, which Envoy does not look up"),
        ("fox", {"services": {"products": {"fork": {"replicas": 101}}}}, "spec.services[products].fork.replicas: 101"),
        (
            "fox",
            {"services": {"products": {"fork": {"env": [{"name": "A"}, {"name": "A"}]}}}},
            'spec.services[products].fork.env[1].name: duplicate "A"',
        ),
        ("fox", {"services": {"new": {"template": {"spec": {"containers": []}}}}}, "a pod needs at least one"),
        (
            "fox",
            {"services": {"new": {"template": {"spec": {"containers": [{"name": "c", "command": ["x"]}]}}}}},
            "spec.services[new].template.ports: is empty and no container has ports",
        ),
        (
            "fox",
            {"services": {"products": {"frok": {}}}},
            'spec.services[products].frok: unknown field; did you mean "fork"?',
        ),
        ("fox", {"includes": ["fox"]}, "spec.includes[0]: is the branch itself"),
        ("fox", {"includes": ["a", "a"]}, 'spec.includes[1]: duplicate "a"'),
        ("fox", {"faults": {"products": {}}}, "spec.faults[products]: needs delay or abort"),
        (
            "fox",
            {"faults": {"products": {"delay": {"fixedDelay": "2s"}}}},
            "spec.faults[products].delay.percentage: is missing (for example, {value: 100})",
        ),
        (
            "fox",
            {"faults": {"products": {"abort": {"httpStatus": 99, "percentage": {"value": 100}}}}},
            "spec.faults[products].abort.httpStatus: 99 is not a status (200-599)",
        ),
        ("fox", {"fallback": "maybe"}, 'spec.fallback: "maybe" is not fail or baseline'),
        ("fox", {"expires": "2020-01-01T00:00:00Z"}, 'spec.expires: "2020-01-01T00:00:00Z" is in the past'),
        ("fox", {"expires": "soon"}, 'spec.expires: "soon" is neither a duration nor a time'),
        ("fox", {"expires": "90000h"}, "is more than a year away"),
    ],
)
def test_a_wrong_branch_is_refused_with_the_path_and_what_would_do(name: str, spec: Body, told: str) -> None:
    with pytest.raises(Invalid) as refused:
        validate(branch(name, **spec))
    assert told in str(refused.value)


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("http://127.0.0.1:9000", ("127.0.0.1", 9000)),
        ("http://localhost:1/", ("127.0.0.1", 1)),
        ("http://[::1]:5", ("::1", 5)),
    ],
)
def test_a_url_names_an_address(url: str, address: tuple[str, int]) -> None:
    assert url_address(url) == address


def deployment(name: str, **labels: str) -> Resource:
    template = {
        "metadata": {"labels": labels},
        "spec": {"containers": [{"name": "main", "image": "x"}]},
    }
    return typed(body("Deployment", name, group="apps", selector={"matchLabels": labels}, template=template))


BASELINE = (
    typed(service("products", app="products", branch="baseline")),
    deployment("products-v1", app="products", branch="baseline", version="v1"),
    deployment("products-v2", app="products", branch="baseline", version="v2"),
    typed(service("lonely")),
)


def problems(wanted: Branch, *others: Resource) -> list[str]:
    return [str(problem) for problem in check_branches([wanted], Surroundings.of([*BASELINE, *others, wanted]))]


def test_what_names_something_that_is_there_is_taken() -> None:
    assert problems(made()) == []
    assert problems(made(services={"products": {"version": "v2"}})) == []
    assert problems(made(services={"products": {"fork": {"deployment": "products-v2", "container": "main"}}})) == []
    assert problems(made("both", services={}, includes=["fox"]), made()) == []


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        (
            {"services": {"prodcts": {"fork": {}}}},
            'spec.services[prodcts]: there is no Service "prodcts" in namespace mesh; did you mean "products"?',
        ),
        ({"services": {"lonely": {"fork": {}}}}, "spec.services[lonely].fork: no Deployment's pods are selected"),
        (
            {"services": {"products": {"version": "v9"}}},
            '"v9" is not a version of Service mesh/products (it has v1, v2)',
        ),
        (
            {"services": {"products": {"fork": {"deployment": "x"}}}},
            '"x" is not a Deployment of Service mesh/products (it has products-v1, products',
        ),
        (
            {"services": {"products": {"fork": {"container": "side"}}}},
            '"side" is not a container of Deployment mesh/products-v1 (it has main)',
        ),
        (
            {"faults": {"prodcts": {"abort": {"httpStatus": 503, "percentage": {"value": 100}}}}},
            'spec.faults[prodcts]: there is no Service "prodcts" in namespace mesh; did you mean "products"?',
        ),
        ({"includes": ["nobody"]}, 'spec.includes[0]: there is no Branch "nobody" in namespace mesh'),
    ],
)
def test_what_names_nothing_is_refused(spec: Body, told: str) -> None:
    assert any(told in problem for problem in problems(made(**spec)))


def test_a_fork_of_a_fork_is_refused() -> None:
    labels = {"meshmall.dev/branch": "ann", "meshmall.dev/service": "products", "app": "products"}
    fork = deployment("products-ann", **labels)
    found = problems(made(services={"products": {"fork": {"deployment": "products-ann"}}}), fork)
    assert '"products-ann" is a fork itself, of Branch ann; fork the baseline, or include that branch' in found[0]


@pytest.mark.parametrize("kind", ["fork", "template"])
def test_a_deployment_of_the_name_that_a_branch_needs_is_its_own_or_the_branch_is_refused(kind: str) -> None:
    template = {"spec": {"containers": [{"name": "c", "image": "c", "ports": [{"containerPort": 80}]}]}}
    expected = made(services={"products": {"fork": {}} if kind == "fork" else {"template": template}})
    taken = deployment("products-fox", app="somebody-elses")
    assert problems(expected, taken) == [
        "Branch mesh/fox: spec.services[products]: Deployment mesh/products-fox, which the branch would create, "
        "already exists and does not belong to the branch; delete it or choose another branch name"
    ]

    def owned_by(branch: str) -> Resource:
        owner = OwnerReference(api_version="meshmall.dev/v1", kind="Branch", name=branch, uid="1")
        return msgspec.structs.replace(
            taken, metadata=msgspec.structs.replace(taken.metadata, owner_references=[owner])
        )

    assert problems(expected, owned_by("fox")) == []
    assert len(problems(expected, owned_by("ox"))) == 1


def test_a_loop_of_includes_is_refused_and_shown() -> None:
    ann = made("ann", includes=["bob"])
    bob = made("bob", includes=["fox"])
    assert "is a cycle: fox includes ann includes bob includes fox" in problems(made(includes=["ann"]), ann, bob)[0]


def test_two_branches_cannot_have_the_same_way_in() -> None:
    entry = [{"cookie": {"name": "user", "value": "fox"}}]
    first = made("first", enter=entry)
    assert problems(made("second", enter=entry), first) == [
        "Branch mesh/second: spec.enter[0].cookie: user=fox already enters Branch mesh/first; choose another value"
    ]
    host = made("second", enter=[{"host": "first.localhost"}])
    assert "already enters Branch mesh/first" in problems(host, first)[0]
    assert problems(first, first) == []


def test_the_same_name_in_another_namespace_is_taken() -> None:
    other = branch("fox")
    other["metadata"]["namespace"] = "other"
    found = problems(made(), typed(other))
    assert 'metadata.name: "fox" is taken by Branch other/fox' in found[0]


def test_every_branch_is_entered_by_its_name() -> None:
    assert list(entry_keys(made(enter=[{"header": {"name": "X-Dev", "value": "Fox"}}]))) == [
        "header:x-dev=Fox",
        "baggage:branch=fox",
        "host:fox.localhost",
    ]
