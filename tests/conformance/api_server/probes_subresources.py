"""Sub-resources, reviews, versions, paths outside the objects."""

from typing import Any

from tests.conformance.api_server.probes import CONFIG_MAPS, CORE, DEPLOYMENTS, Probes, deployment
from tests.conformance.api_server.world import World

probes = Probes()
T = f"{CORE}/t"


@probes("status_sub")
async def status(world: World) -> Any:
    created = await world.post(DEPLOYMENTS, deployment("st1"))
    await world.settled()
    path = f"{DEPLOYMENTS}/st1"
    body = (await world.get(path)).body
    body["metadata"]["labels"] = {"x": "y"}
    body["spec"]["paused"] = True
    body["status"] = {"conditions": [{"type": "Foo", "status": "True"}]}
    put = await world.put(f"{path}/status", body)
    generation = created.body["metadata"]["generation"]
    metadata = put.body["metadata"]
    return [
        put.summary,
        metadata.get("labels"),
        put.body["spec"].get("paused"),
        [condition["type"] for condition in put.body["status"]["conditions"]],
        (await world.get(f"{path}/status")).code,
        metadata["generation"] != generation,
        (await world.merge(f"{path}/status", {"status": {"observedGeneration": 1}})).summary,
        (await world.delete(f"{path}/status")).summary,
        (await world.get(f"{CONFIG_MAPS}/l1/status")).summary,
    ]


STATUS = (
    "/api/v1/namespaces/t", f"{T}/services/svc-min", f"{T}/pods/pod-min",
    "/apis/apps/v1/namespaces/t/statefulsets/sts-min", "/apis/batch/v1/namespaces/t/jobs/job-rich",
    "/apis/networking.k8s.io/v1/namespaces/t/ingresses/ing-min",
    "/apis/networking.istio.io/v1/namespaces/t/virtualservices/vs-min",
    "/apis/gateway.networking.k8s.io/v1/namespaces/t/httproutes/hr-min", "/api/v1/persistentvolumes/pv-min",
    "/apis/policy/v1/namespaces/t/poddisruptionbudgets/pdb-min",
    "/apis/autoscaling/v2/namespaces/t/horizontalpodautoscalers/hpa-min", f"{T}/resourcequotas/rq-min",
    "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/foos.example.com",
)  # fmt: skip


@probes("status_sub_others")
async def status_of_all_kinds(world: World) -> Any:
    return {path: (await world.get(f"{path}/status")).code for path in STATUS}


@probes("status_validation")
async def wrong_status(world: World) -> Any:
    path = f"{DEPLOYMENTS}/st1/status"
    return [
        (await world.merge(path, {"status": {"replicas": -1}})).summary,
        (await world.merge(path, {"status": {"observedGeneration": 1}})).summary,
        (await world.merge(f"{path}?fieldValidation=Strict", {"status": {"foo": -1}})).summary,
    ]


@probes("scale_get")
async def scale(world: World) -> Any:
    answer = await world.get(f"{DEPLOYMENTS}/st1/scale")
    body = answer.body
    body["metadata"] = {name: body["metadata"].get(name) for name in ("name", "namespace")}
    return [answer.code, body]


@probes("scale_put")
async def scaling(world: World) -> Any:
    path = f"{DEPLOYMENTS}/st1/scale"
    body = (await world.get(path)).body
    metadata = {"name": "st1", "namespace": "w3"}
    negative = {**body, "metadata": metadata, "spec": {"replicas": -1}}
    stale = {**body, "metadata": {**metadata, "resourceVersion": "1"}}
    answers = [
        await world.put(path, {**body, "metadata": metadata, "spec": {"replicas": 0}}),
        await world.put(path, negative),
        await world.put(path, stale),
        await world.merge(path, {"spec": {"replicas": "x"}}),
        await world.get(f"{DEPLOYMENTS}/nope/scale"),
        await world.merge(path, {"spec": {"replicas": 0}}),
        await world.get("/apis/apps/v1/namespaces/t/replicasets/rs-min/scale"),
        await world.get("/apis/apps/v1/namespaces/t/statefulsets/sts-min/scale"),
        await world.get("/apis/apps/v1/namespaces/t/deployments/dep-min/scale"),
        await world.get(f"{CONFIG_MAPS}/l1/scale"),
    ]
    return [answer.summary for answer in answers]


FOOS = "/apis/example.com/v1/namespaces/w3/foos"


def _foo(name: str, **spec: Any) -> dict[str, Any]:
    return {"apiVersion": "example.com/v1", "kind": "Foo", "metadata": {"name": name}, "spec": spec}


@probes("scale_crd")
async def scale_of_a_custom_resource(world: World) -> Any:
    created = await world.post(FOOS, _foo("f1"))
    answer = await world.get(f"{FOOS}/f1/scale")
    body = answer.body
    given: list[Any] = [created.body["spec"], answer.code, body.get("spec")]
    metadata = {"name": "f1", "namespace": "w3"}
    scale = {"kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": metadata, "spec": {"replicas": 5}}
    given.append((await world.put(f"{FOOS}/f1/scale", scale)).summary)
    given.append((await world.get(f"{FOOS}/f1")).body["spec"])
    given.append((await world.post(FOOS, _foo("f2", size="x", mode="Z"))).summary)
    return [*given, (await world.post(FOOS, _foo("f3", unk=1))).summary]


@probes("cr_defaults")
async def defaults_of_a_custom_resource(world: World) -> Any:
    return (await world.get(f"{FOOS}/f1")).body["spec"]


@probes("ns_default_objs")
async def what_a_namespace_has(world: World) -> Any:
    return [(await world.get(f"{CORE}/default/{plural}")).names for plural in ("configmaps", "serviceaccounts")]


@probes("ns_list")
async def namespaces(world: World) -> Any:
    names = (await world.get(CORE)).names
    first = [name for name in names if name == "default" or name.startswith("kube-")]
    return [first, (await world.get(f"{CORE}/default/services")).names]


@probes("subresources")
async def subresources(world: World) -> Any:
    pod = f"{T}/pods/pod-min"
    eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "pod-min"}}
    binding = {"apiVersion": "v1", "kind": "Binding", "metadata": {"name": "pod-min"}}
    binding["target"] = {"kind": "Node", "name": "node-min"}
    codes = {
        "/eviction?dryRun=All": (await world.post(f"{pod}/eviction?dryRun=All", eviction)).code,
        "/log": (await world.get(f"{pod}/log")).code,
        "/ephemeralcontainers": (await world.get(f"{pod}/ephemeralcontainers")).code,
        "/resize": (await world.get(f"{pod}/resize")).code,
        "/binding?dryRun=All": (await world.post(f"{pod}/binding?dryRun=All", binding)).code,
    }
    request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
    token = await world.post(f"{T}/serviceaccounts/default/token", request)
    return [codes, token.code, (await world.get(f"{T}/pods/nope/log")).code == 404]


async def _reviews(world: World) -> Any:
    attributes = {"namespace": "t", "verb": "get", "resource": "pods"}
    specs: dict[str, Any] = {
        "selfsubjectaccessreviews": {"resourceAttributes": attributes},
        "subjectaccessreviews": {"user": "admin", "groups": ["system:masters"], "resourceAttributes": attributes},
        "selfsubjectrulesreviews": {"namespace": "t"},
        "localsubjectaccessreviews": {"user": "admin", "groups": ["system:masters"], "resourceAttributes": attributes},
    }
    kinds = {
        "selfsubjectaccessreviews": "SelfSubjectAccessReview",
        "subjectaccessreviews": "SubjectAccessReview",
        "selfsubjectrulesreviews": "SelfSubjectRulesReview",
        "localsubjectaccessreviews": "LocalSubjectAccessReview",
    }
    given: dict[str, Any] = {}
    group = "/apis/authorization.k8s.io/v1"
    for plural, spec in specs.items():
        local = plural.startswith("local")
        body = {"apiVersion": "authorization.k8s.io/v1", "kind": kinds[plural], "spec": spec}
        if local:
            body["metadata"] = {"namespace": "t"}
        answer = await world.post(f"{group}/{'namespaces/t/' if local else ''}{plural}", body)
        review = answer.body.get("status")
        given[plural] = [answer.code, review.get("allowed") if isinstance(review, dict) else review]
    head = {"apiVersion": "authentication.k8s.io/v1"}
    who = await world.post("/apis/authentication.k8s.io/v1/selfsubjectreviews", {**head, "kind": "SelfSubjectReview"})
    token = {**head, "kind": "TokenReview", "spec": {"token": "x"}}
    return [given, who.code, (await world.post("/apis/authentication.k8s.io/v1/tokenreviews", token)).code]


probes("reviews")(_reviews)
probes("reviews (2)")(_reviews)


@probes("version_conversion")
async def versions(world: World) -> Any:
    given: dict[str, Any] = {}
    for version in ("v1", "v1beta1", "v1alpha3"):
        answer = await world.get(f"/apis/networking.istio.io/{version}/namespaces/t/virtualservices/vs-min")
        given[version] = [answer.code, answer.body["apiVersion"]]
    for name in ("hpa-v1", "hpa-min", "hpa-rich"):
        for version in ("v1", "v2"):
            path = f"/apis/autoscaling/{version}/namespaces/t/horizontalpodautoscalers/{name}"
            marked = ["autoscaling.alpha.kubernetes.io/conditions"] if version == "v1" else []
            # The controller writes a condition soon; what a version shows of it is compared.
            answer = await world.until(path, lambda a, m=marked: set(m) <= set(_annotations(a)), limit=1.0)
            spec = sorted(answer.body.get("spec") or {})
            given[name + version] = [answer.code, answer.body["apiVersion"], spec, sorted(_annotations(answer))]
    gateway = await world.get("/apis/gateway.networking.k8s.io/v1beta1/namespaces/t/gateways/ggw-min")
    given["gw"] = [gateway.code, gateway.body["apiVersion"]]
    given["ev"] = (await world.get("/apis/events.k8s.io/v1/namespaces/t/events/ev-min")).code
    return given


def _annotations(answer: Any) -> Any:
    return answer.body["metadata"].get("annotations") or {}


PATHS = (
    "/", "/api", "/apis", "/api/v1", "/apis/apps", "/apis/apps/v1", "/version", "/healthz", "/livez", "/readyz",
    "/livez?verbose", "/readyz/ping", "/healthz/etcd", "/metrics", "/openapi/v2", "/openapi/v3", "/openapi/v3/api/v1",
    "/openapi/v3/apis/apps/v1", "/openapi/v3/apis/apps", "/.well-known/openid-configuration", "/openid/v1/jwks",
    "/logs", "/swagger.json", "/api/v1/componentstatuses", "/api/v2", "/apis/nope", "/apis/apps/v9", "/debug/pprof",
    "/statusz", "/flagz",
)  # fmt: skip


@probes("misc_paths")
async def paths(world: World) -> Any:
    return {path: (await world.get(path)).code for path in PATHS}


@probes("impersonate")
async def impersonation(world: World) -> Any:
    return (await world.get(f"{CONFIG_MAPS}/l1", headers={"Impersonate-User": "bob"})).summary


LEFT_OUT = {"date", "content-length", "transfer-encoding", "vary"}


@probes("audit_headers")
async def headers(world: World) -> Any:
    answer = await world.get(f"{CONFIG_MAPS}/l1", headers={"Connection": "close"})
    return [sorted(set(answer.headers) - LEFT_OUT), answer.headers["content-type"]]


@probes("openapi_etag")
async def schemas(world: World) -> Any:
    paths = (await world.get("/openapi/v3")).body["paths"]
    urls = [entry["serverRelativeURL"] for entry in paths.values()]
    return [all("hash=" in url for url in urls), any("hash=" not in url for url in urls)]
