"""What is refused of a branch's stores, and in which words."""

from typing import Any

import pytest

from mesh.resources.analysis.branch_references import Surroundings, check_branches
from mesh.resources.checks.branch_data import server_address
from mesh.resources.meshmall.branch import Branch
from mesh.resources.validation.manifest import validate
from mesh.resources.values.problems import Invalid
from tests.support.objects import Body, service
from tests.support.stores import deployment, stateful_set_body


def branch(data: Body, **spec: Any) -> Branch:
    metadata = {"name": "kim", "namespace": "mesh"}
    spec = {"data": data, **spec}
    typed = validate({"apiVersion": "meshmall.dev/v1", "kind": "Branch", "metadata": metadata, "spec": spec}).typed
    assert isinstance(typed, Branch)
    return typed


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"workload": "Job/postgres"}, '.workload: "Job/postgres" is not one of StatefulSet, Deployment, Pod'),
        ({"from": "A B"}, 'use "baseline", "empty" or the name of a snapshot'),
        ({"freezeLimit": "2"}, 'spec.data[postgres].freezeLimit: "2" is not a duration'),
        ({"freezeLimit": "2h"}, 'spec.data[postgres].freezeLimit: "2h" is not in 50ms-60s'),
        ({"services": ["postgres"]}, "leads to spec.data[postgres] already"),
        ({"clients": ["postgres"]}, 'spec.data[postgres].clients[0]: "postgres" is the store itself'),
        ({"clients": ["a", "a"]}, "spec.data[postgres].clients[1]"),
        ({"url": "db.example.com:5432"}, 'is not an address and a port (for example, "127.0.0.1:5433")'),
    ],
)
def test_a_store_that_is_refused(data: Body, message: str) -> None:
    with pytest.raises(Invalid) as refused:
        branch({"postgres": data})
    assert message in str(refused.value)


def test_a_store_can_only_be_changed_as_a_fork() -> None:
    with pytest.raises(Invalid, match="a store can only be changed as a fork"):
        branch({"postgres": {}}, services={"postgres": {"version": "v2"}})
    assert branch({"postgres": {}}, services={"postgres": {"fork": {"image": "postgres:16"}}})


def problems(data: Body, *others: Body) -> list[str]:
    everything = [
        *(validate(body).typed for body in (service("postgres"), stateful_set_body(), *others)),
        deployment("orders"),
    ]
    return [str(error) for error in check_branches([branch({"postgres": data})], Surroundings.of(everything))]


def test_a_store_that_exists_with_a_client_that_exists() -> None:
    assert problems({"clients": ["orders"], "volumes": ["data"]}) == []


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"clients": ["order"]}, 'there is no Service or Deployment "order" in namespace mesh; did you mean "orders"?'),
        ({"volumes": ["dta"]}, '"dta" is not a volume of StatefulSet/postgres (it has data)'),
        ({"workload": "mysql"}, '"mysql" is no workload behind Service postgres (it has StatefulSet/postgres)'),
    ],
)
def test_a_store_that_names_what_is_not_there(data: Body, message: str) -> None:
    assert any(message in problem for problem in problems(data)), problems(data)


def test_every_service_of_the_pods_must_be_listed() -> None:
    headless = service("postgres-hl", app="postgres")
    assert "Service postgres-hl leads to the same pods and is missing" in problems({}, headless)[0]
    assert problems({"services": ["postgres-hl"]}, headless) == []


def test_a_servers_address() -> None:
    assert server_address("localhost:5433") == ("127.0.0.1", 5433)
    with pytest.raises(ValueError, match="is not an address and a port"):
        server_address("127.0.0.1")
