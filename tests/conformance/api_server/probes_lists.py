"""Lists: selectors, pages, options, representations."""

import re
import urllib.parse
from typing import Any

from tests.conformance.api_server.conversations import answers
from tests.conformance.api_server.probes import CONFIG_MAPS, CORE, W3, Probe, Probes, config_map
from tests.conformance.api_server.world import World

probes = Probes()
QUOTE = urllib.parse.quote
GENERATED = re.compile(r"^(dep|job|cj|sts|ds|rc|rs)-min-[a-z0-9-]+$")
LABELS, FIELDS, OPTIONS = "labelSelector ", "fieldSelector ", "list ?"
# Kinds in field selectors: where their collections are.
COLLECTIONS = {
    "configmaps": CONFIG_MAPS,
    "deployments": "/apis/apps/v1/namespaces/t/deployments",
    "replicasets": "/apis/apps/v1/namespaces/t/replicasets",
    "jobs": "/apis/batch/v1/namespaces/t/jobs",
    "virtualservices": "/apis/networking.istio.io/v1/namespaces/t/virtualservices",
    "namespaces": "/api/v1/namespaces",
    "nodes": "/api/v1/nodes",
    **{plural: f"{CORE}/t/{plural}" for plural in ("pods", "events", "secrets", "services")},
}


def by_owner(names: Any) -> Any:
    """Names of pods and jobs without their random part."""
    if not isinstance(names, list):
        return names
    return [GENERATED.sub(r"\1-min-x", name) if isinstance(name, str) else name for name in names]


def _labels(selector: str) -> Probe:
    async def probe(world: World) -> Any:
        return (await world.get(f"{CONFIG_MAPS}?labelSelector={QUOTE(selector)}")).names

    return probe


def _fields(plural: str, selector: str) -> Probe:
    async def probe(world: World) -> Any:
        names = (await world.get(f"{COLLECTIONS[plural]}?fieldSelector={QUOTE(selector)}")).names
        return by_owner(names)

    return probe


def _options(query: str) -> Probe:
    async def probe(world: World) -> Any:
        answer = await world.get(f"{CONFIG_MAPS}?{query}{'&timeoutSeconds=1' if query == 'watch=foo' else ''}")
        return answer.summary if answer.code >= 400 else len(answer.body.get("items") or [])

    return probe


for case in answers("verbs"):
    if case.startswith(LABELS):
        probes(case)(_labels(case.removeprefix(LABELS)))
    elif case.startswith(FIELDS):
        kind, _, selector_text = case.removeprefix(FIELDS).partition(" ")
        probes(case)(_fields(kind, selector_text))


@probes("list_limit")
async def pages(world: World) -> Any:
    first = await world.get(f"{CONFIG_MAPS}?limit=3")
    result: list[Any] = []
    keys = []
    page = first
    while True:
        metadata = page.body["metadata"]
        result += [page.names, metadata.get("remainingItemCount")]
        keys.append(sorted(metadata))
        if not metadata.get("continue"):
            return [result, keys]
        page = await world.get(f"{CONFIG_MAPS}?limit=3&continue={QUOTE(metadata['continue'])}")


@probes("list_limit_rv_same")
async def one_snapshot_for_all_pages(world: World) -> Any:
    first = await world.get(f"{CONFIG_MAPS}?limit=3")
    await world.post(CONFIG_MAPS, config_map("lnew"))
    rest = await world.get(f"{CONFIG_MAPS}?continue={QUOTE(first.body['metadata']['continue'])}")
    await world.delete(f"{CONFIG_MAPS}/lnew")
    return [rest.names, rest.body["metadata"]["resourceVersion"] == first.body["metadata"]["resourceVersion"]]


@probes("list_limit_selector_remaining")
async def remaining_of_a_selection(world: World) -> Any:
    page = await world.get(f"{CONFIG_MAPS}?labelSelector=app%3Dx&limit=1")
    return [page.names, page.body["metadata"].get("remainingItemCount"), "continue" in page.body["metadata"]]


@probes("list_bad_continue")
async def bad_token(world: World) -> Any:
    return (await world.get(f"{CONFIG_MAPS}?limit=1&continue=xyz")).summary


@probes("list_continue_plus_rv")
async def token_and_version(world: World) -> Any:
    first = await world.get(f"{CONFIG_MAPS}?limit=3")
    metadata = first.body["metadata"]
    query = f"continue={QUOTE(metadata['continue'])}&resourceVersion={metadata['resourceVersion']}"
    return (await world.get(f"{CONFIG_MAPS}?{query}")).summary


@probes("list_limit_neg")
async def negative_limit(world: World) -> Any:
    return (await world.get(f"{CONFIG_MAPS}?limit=-1")).summary


@probes("list_limit_text")
async def limit_that_is_no_number(world: World) -> Any:
    return (await world.get(f"{CONFIG_MAPS}?limit=x")).summary


for case in answers("verbs"):
    if case.startswith(OPTIONS):
        probes(case)(_options(case.removeprefix(OPTIONS)))


@probes("list_rv_exact_old")
async def a_state_before(world: World) -> Any:
    version = (await world.get(CONFIG_MAPS)).body["metadata"]["resourceVersion"]
    await world.post(CONFIG_MAPS, config_map("lrv"))
    answer = await world.get(f"{CONFIG_MAPS}?resourceVersion={version}&resourceVersionMatch=Exact")
    await world.delete(f"{CONFIG_MAPS}/lrv")
    return "lrv" in answer.names


@probes("list_shape")
async def shape(world: World) -> Any:
    body = (await world.get(CONFIG_MAPS)).body
    item = next(item for item in body["items"] if item["metadata"]["name"] == "l0")
    return [{"kind": body["kind"], "apiVersion": body["apiVersion"]}, sorted(body["metadata"]), sorted(item)]


@probes("list_empty_shape")
async def empty_shape(world: World) -> Any:
    body = (await world.get(f"{W3}/secrets")).body
    body["metadata"].pop("resourceVersion")
    return body


@probes("list_all_ns_404_ns")
async def a_namespace_that_is_missing(world: World) -> Any:
    return (await world.get(f"{CORE}/nope/configmaps")).names


@probes("get_missing")
async def missing(world: World) -> Any:
    return (await world.get(f"{CONFIG_MAPS}/nope")).summary


@probes("get_missing_dep")
async def missing_deployment(world: World) -> Any:
    return (await world.get("/apis/apps/v1/namespaces/w3/deployments/nope")).summary


@probes("get_missing_vs")
async def missing_virtual_service(world: World) -> Any:
    return (await world.get("/apis/networking.istio.io/v1/namespaces/w3/virtualservices/nope")).summary


@probes("get_bad_path")
async def bad_path(world: World) -> Any:
    return (await world.get("/apis/nope/v1/foos")).summary


@probes("get_bad_path2")
async def bad_path_without_api(world: World) -> Any:
    answer = await world.get("/foo")
    return [answer.code, answer.body]


@probes("get_bad_kind")
async def bad_kind(world: World) -> Any:
    return (await world.get(f"{W3}/foos")).summary


@probes("get_rv")
async def get_at_a_version(world: World) -> Any:
    versions = ("0", "1", "99999999", "abc")
    return [(await world.get(f"{CONFIG_MAPS}/l1?resourceVersion={version}")).summary for version in versions]


@probes("method_405")
async def methods(world: World) -> Any:
    tries = (("POST", f"{CONFIG_MAPS}/l1"), ("PUT", CONFIG_MAPS), ("PATCH", CONFIG_MAPS), ("OPTIONS", CONFIG_MAPS))
    return [(await world.ask(method, path, config_map("l1"))).summary for method, path in tries]


@probes("head")
async def head(world: World) -> Any:
    return (await world.ask("HEAD", CONFIG_MAPS)).code


@probes("no_auth")
async def without_a_token(world: World) -> Any:
    return [
        (await world.get(CONFIG_MAPS, headers={"Authorization": value})).summary for value in ("", "Bearer wrong-token")
    ]


@probes("accept_yaml")
async def as_yaml(world: World) -> Any:
    answer = await world.get(f"{CONFIG_MAPS}/l1", accept="application/yaml")
    return [answer.code, answer.raw.decode()[:14]]


@probes("accept_bad")
async def as_something_else(world: World) -> Any:
    return (await world.get(f"{CONFIG_MAPS}/l1", accept="text/html")).summary


@probes("accept_protobuf_only")
async def as_protobuf(world: World) -> Any:
    answer = await world.get(f"{CONFIG_MAPS}/l1", accept="application/vnd.kubernetes.protobuf")
    return [answer.code, answer.raw.startswith(b"k8s\x00")]


@probes("accept_protobuf_or_json")
async def as_protobuf_or_json(world: World) -> Any:
    accept = "application/vnd.kubernetes.protobuf,application/json"
    return (await world.get(f"{CONFIG_MAPS}/l1", accept=accept)).code


PARTIAL = "application/json;as=PartialObjectMetadata{};g=meta.k8s.io;v=v1"


@probes("partial_meta")
async def metadata_only(world: World) -> Any:
    answer = await world.get(f"{CONFIG_MAPS}/l1", accept=PARTIAL.format(""))
    return [answer.code, answer.body["kind"], sorted(answer.body)]


@probes("partial_meta_list")
async def list_of_metadata(world: World) -> Any:
    answer = await world.get(CONFIG_MAPS, accept=PARTIAL.format("List"))
    return [answer.code, answer.body["kind"], sorted(answer.body["items"][0])]


@probes("pretty")
async def pretty(world: World) -> Any:
    return b"\n  " in (await world.get(f"{CONFIG_MAPS}/l1?pretty=true")).raw
