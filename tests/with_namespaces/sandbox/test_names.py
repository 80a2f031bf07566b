"""Lookups inside a pod, as its programs' own resolvers make them."""

import shutil
from pathlib import Path

import pytest

from mesh.pods.network.names import Name, pointer_name
from mesh.pods.sandbox.client import Agent
from mesh.pods.sandbox.spec import Mount
from tests.with_namespaces.sandbox.programs import ADDRESS, POD, output, python, spec

SEARCH = "nameserver 10.96.0.10\nsearch shop.svc.cluster.local svc.cluster.local cluster.local\noptions ndots:5\n"
LOOK_UP = (
    "import socket, sys\n"
    "for name in sys.argv[1:]:\n"
    "  try: print(*sorted({info[4][0] for info in socket.getaddrinfo(name, 80)}))\n"
    "  except OSError as error: print(error.args[1])\n"
)
TABLE = {
    "orders.shop.svc.cluster.local": Name(("10.96.0.7",)),
    "db.shop.svc.cluster.local": Name(tuple(f"10.244.2.{number}" for number in range(1, 201))),
    "db-0.db.shop.svc.cluster.local": Name(("10.244.2.1",)),
    "alias.shop.svc.cluster.local": Name(alias="orders.shop.svc.cluster.local"),
    pointer_name("10.96.0.7"): Name(pointer="orders.shop.svc.cluster.local"),
}


@pytest.fixture
async def pod(agent: Agent, home: Path) -> Mount:
    """A pod with a table of names; its resolv.conf."""
    await agent.create_pod_network(POD, "orders-1", ADDRESS)
    await agent.set_names(TABLE)
    (home / "resolv.conf").write_text(SEARCH)
    return Mount("/etc/resolv.conf", str(home / "resolv.conf"))


async def look_up(agent: Agent, resolv_conf: Mount, *names: str) -> list[str]:
    text, _ = await output(agent, python(LOOK_UP, *names, mounts=(resolv_conf,)))
    return text.splitlines()


async def test_every_form_of_a_services_name(agent: Agent, pod: Mount) -> None:
    forms = ["orders", "orders.shop", "orders.shop.svc", "orders.shop.svc.cluster.local", "alias", "db-0.db"]
    forms.append("orders.shop.svc.cluster.local.")
    assert await look_up(agent, pod, *forms) == [*["10.96.0.7"] * 5, "10.244.2.1", "10.96.0.7"]


async def test_a_large_answer_arrives_over_tcp(agent: Agent, pod: Mount) -> None:
    (addresses,) = await look_up(agent, pod, "db")
    assert len(addresses.split()) == 200


async def test_a_reverse_lookup(agent: Agent, pod: Mount) -> None:
    text, _ = await output(agent, python("import socket; print(socket.gethostbyaddr('10.96.0.7')[0])", mounts=(pod,)))
    assert text == "orders.shop.svc.cluster.local\n"


async def test_a_name_that_is_gone_and_one_that_is_new(agent: Agent, pod: Mount) -> None:
    await agent.set_names({"billing.shop.svc.cluster.local": Name(("10.96.0.8",))})
    assert await look_up(agent, pod, "orders", "billing") == ["Name or service not known", "10.96.0.8"]


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
async def test_nodes_own_resolver(agent: Agent, pod: Mount) -> None:
    code = "require('dns').resolve4('orders.shop.svc.cluster.local', (error, found) => console.log(error || found[0]))"
    text, _ = await output(agent, spec(shutil.which("node") or "", "-e", code, mounts=(pod,)))
    assert text == "10.96.0.7\n"
