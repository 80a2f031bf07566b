"""The incremental protocol, with an Envoy of requests written by hand."""

from typing import Any

from envoy.service.discovery.v3 import discovery_pb2
from google.protobuf import any_pb2
from google.rpc import status_pb2

from mesh.envoy.xds.ordering import Step
from mesh.envoy.xds.refusals import Refusals
from mesh.envoy.xds.resources import Kind, Resource
from mesh.envoy.xds.settling import is_refused, is_settled
from mesh.envoy.xds.stream import Stream
from mesh.routing.model.listener import Listener, Role


class Conversation:
    """A stream, the resources behind it, and what Envoy would send."""

    def __init__(self) -> None:
        self.resources: dict[Kind, dict[str, Resource]] = {kind: {} for kind in Kind}
        self.refusals = Refusals()
        self.stream = Stream(self.resources, self.refusals)

    def put(self, kind: Kind, name: str, version: str = "1", value: Any = None) -> None:
        self.resources[kind][name] = Resource(name, value, any_pb2.Any(), version)

    def request(self, kind: Kind, **fields: Any) -> None:
        self.stream.receive(discovery_pb2.DeltaDiscoveryRequest(type_url=kind.value, **fields))

    def response(self) -> Any:
        return self.stream.outgoing.get_nowait()

    def acknowledge(self, response: Any) -> None:
        self.request(Kind(response.type_url), response_nonce=response.nonce)

    def refuse(self, response: Any, reason: str = "no") -> None:
        detail = status_pb2.Status(message=reason)
        self.request(Kind(response.type_url), response_nonce=response.nonce, error_detail=detail)

    def is_settled(self, step: Step) -> bool:
        return is_settled(step, self.stream, self.resources, self.refusals)


def names(response: Any) -> list[str]:
    return sorted(resource.name for resource in response.resources)


def test_a_starting_envoy_gets_a_response_even_if_it_is_empty() -> None:
    envoy = Conversation()
    envoy.request(Kind.CLUSTER)
    assert names(envoy.response()) == []
    assert envoy.stream.wants(Kind.CLUSTER, "any")
    assert not envoy.stream.wants(Kind.ENDPOINTS, "any")


def test_a_reconnecting_envoy_is_sent_only_what_it_lacks_and_what_is_gone() -> None:
    envoy = Conversation()
    for name, version in (("same", "1"), ("changed", "2"), ("new", "1")):
        envoy.put(Kind.CLUSTER, name, version)
    envoy.request(
        Kind.CLUSTER,
        resource_names_subscribe=["*"],
        initial_resource_versions={"same": "1", "changed": "1", "gone": "1"},
    )
    response = envoy.response()
    assert names(response) == ["changed", "new"]
    assert envoy.stream.has_acknowledged(Kind.CLUSTER, "same", "1")
    # Only then: the route tables that Envoy has may still lead there.
    assert not response.removed_resources
    envoy.stream.drop_stale()
    response = envoy.response()
    assert (names(response), list(response.removed_resources)) == ([], ["gone"])
    envoy.stream.drop_stale()
    assert envoy.stream.outgoing.empty()


def test_a_reconnecting_envoy_closes_listeners_that_are_gone_at_once() -> None:
    envoy = Conversation()
    envoy.request(Kind.LISTENER, resource_names_subscribe=["*"], initial_resource_versions={"gone": "1"})
    assert list(envoy.response().removed_resources) == ["gone"]


def test_a_subscription_is_answered_even_for_what_envoy_has_and_for_what_does_not_exist() -> None:
    envoy = Conversation()
    envoy.put(Kind.ENDPOINTS, "a")
    envoy.request(Kind.ENDPOINTS, resource_names_subscribe=["a", "b"], initial_resource_versions={"a": "1"})
    response = envoy.response()
    assert names(response) == ["a"]
    assert list(response.removed_resources) == ["b"]


def test_of_a_refused_response_with_several_resources_each_is_sent_alone() -> None:
    envoy = Conversation()
    envoy.put(Kind.CLUSTER, "good")
    envoy.put(Kind.CLUSTER, "bad")
    envoy.request(Kind.CLUSTER)
    step = Step(send={Kind.CLUSTER: frozenset(("good", "bad"))})
    envoy.refuse(envoy.response())
    assert envoy.refusals.reasons() == {}
    assert not envoy.is_settled(step)
    for response in (envoy.response(), envoy.response()):
        if names(response) == ["bad"]:
            envoy.refuse(response, "no such thing")
        else:
            envoy.acknowledge(response)
    assert envoy.refusals.reasons() == {(Kind.CLUSTER, "bad"): "no such thing"}
    assert envoy.is_settled(step)
    assert is_refused(step, envoy.resources, envoy.refusals)


def test_a_refusal_concerns_one_version_and_ends_when_the_version_is_taken() -> None:
    envoy = Conversation()
    envoy.put(Kind.CLUSTER, "a", "1")
    envoy.request(Kind.CLUSTER)
    envoy.refuse(envoy.response())
    step = Step(send={Kind.CLUSTER: frozenset("a")})
    assert is_refused(step, envoy.resources, envoy.refusals)
    envoy.put(Kind.CLUSTER, "a", "2")
    assert not is_refused(step, envoy.resources, envoy.refusals)
    assert not envoy.is_settled(step)
    envoy.refusals.keep_current(envoy.resources)
    assert envoy.refusals.reasons() == {}
    envoy.stream.send(Kind.CLUSTER, ["a"])
    envoy.acknowledge(envoy.response())
    assert envoy.is_settled(step)


def test_a_step_with_a_removal_is_settled_once_envoy_has_answered_it() -> None:
    envoy = Conversation()
    envoy.put(Kind.CLUSTER, "a")
    envoy.request(Kind.CLUSTER)
    envoy.acknowledge(envoy.response())
    del envoy.resources[Kind.CLUSTER]["a"]
    step = Step(remove={Kind.CLUSTER: frozenset("a")})
    envoy.stream.send(Kind.CLUSTER, (), ["a"])
    assert not envoy.is_settled(step)
    envoy.acknowledge(envoy.response())
    assert envoy.is_settled(step)


def test_what_nothing_at_envoy_names_yet_holds_no_step_up_but_clusters_do() -> None:
    envoy = Conversation()
    envoy.put(Kind.ROUTES, "t")
    envoy.put(Kind.CLUSTER, "c")
    assert envoy.is_settled(Step(send={Kind.ROUTES: frozenset("t")}))
    assert not envoy.is_settled(Step(send={Kind.CLUSTER: frozenset("c")}))


def test_a_table_is_not_waited_for_when_its_only_listener_was_refused() -> None:
    envoy = Conversation()
    envoy.put(Kind.LISTENER, "door", value=Listener("door", Role.GATEWAY, "127.0.0.1", 80, table="t"))
    envoy.put(Kind.ROUTES, "t")
    envoy.request(Kind.LISTENER)
    step = Step(send={Kind.LISTENER: frozenset(("door",))}, awaited={Kind.ROUTES: frozenset("t")})
    response = envoy.response()
    assert not envoy.is_settled(step)
    envoy.refuse(response, "Address already in use")
    assert envoy.is_settled(step)
    assert not is_refused(step, envoy.resources, envoy.refusals)
