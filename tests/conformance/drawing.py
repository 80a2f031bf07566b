"""Draws rules and requests from few words, so that requests meet rules often."""

from typing import Any

from hypothesis import strategies as st

from tests.conformance.reference import Request

Json = dict[str, Any]
PATHS = ("/", "/a", "/a/b", "/ab", "/A", "/A/B", "/a/b/c", "/x1", "/x22", "/x")
VALUES = ("1", "12", "ab", "b", "AB")
USERS = ("fox", "jason")
COOKIES = (
    "user=fox",
    "a=b; user=fox",
    "user=fox; c=d",
    "superuser=fox",
    "user=foxy",
    "user=jason",
    "a=user=fox",
    "b=1;user=jason",
)
QUERIES = ("", "k=1", "k", "k=", "k=12&j=ab", "j=b", "k=ab&j=1")
HOSTS = ("shop", "cart", "api.example.com", "www.example.com")
METHODS = ("GET", "POST", "PUT", "OPTIONS")
GATEWAY = "mesh/door"
RETRY_ON = (
    "5xx,gateway-error,reset,connect-failure,retriable-4xx,refused-stream,503,retriable-status-codes",
    "reset-before-request,retriable-headers,envoy-ratelimited",
    "cancelled,deadline-exceeded,internal,resource-exhausted,unavailable",
)


def one_of(*values: Any) -> st.SearchStrategy[Any]:
    return st.sampled_from(values)


def matches(*values: str, regexes: tuple[str, ...], prefixes: tuple[str, ...]) -> st.SearchStrategy[Json]:
    return st.one_of(
        st.sampled_from(values).map(lambda text: {"exact": text}),
        st.sampled_from(prefixes).map(lambda text: {"prefix": text}),
        st.sampled_from(regexes).map(lambda text: {"regex": text}),
    )


URI = matches(*PATHS, prefixes=("/", "/a", "/a/", "/x", "/A"), regexes=("/x[0-9]+", "/a(/b)?", "/.*b.*", ".*"))
VALUE = matches(*VALUES, "", prefixes=("1", "a"), regexes=("[0-9]+", "a.*", ".*", "1?2?", "(?i)ab", "b|12"))
COOKIE = st.one_of(
    st.sampled_from(USERS).map(lambda user: {"regex": rf"^(.*;\s*)?user={user}(;.*)?$"}),
    st.sampled_from(USERS).map(lambda user: {"regex": rf"^(.*?;)?(user={user})(;.*)?$"}),
    st.sampled_from(COOKIES).map(lambda text: {"exact": text}),
)
PRESENCE: st.SearchStrategy[Json] = st.just({})


def some(**optional: st.SearchStrategy[Any]) -> st.SearchStrategy[Json]:
    return st.fixed_dictionaries({}, optional=optional)


def sparse(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """The strategy one time in three, None else; `None` is left out of objects."""
    return one_of(0, 1, 2).flatmap(lambda number: strategy if number == 0 else st.none())


def present(body: Json) -> Json:
    return {key: value for key, value in body.items() if value is not None}


@st.composite
def headers_of(draw: st.DrawFn) -> Json:
    found: Json = {}
    for name in draw(st.lists(one_of("x-one", "X-Two", "cookie"), max_size=2, unique=True)):
        found[name] = draw(COOKIE if name == "cookie" else st.one_of(VALUE, PRESENCE))
    return found


@st.composite
def blocks(draw: st.DrawFn, gateways: tuple[str, ...]) -> Json:
    """One match block. What asks for the caller is drawn for rules of the mesh alone."""
    found = present(
        {
            "name": draw(sparse(st.just("block"))),
            "uri": draw(sparse(URI)),
            "method": draw(sparse(matches(*METHODS, prefixes=("P",), regexes=("GET|PUT",)))),
            "scheme": draw(one_of(None, None, None, None, {"exact": "http"}, {"exact": "https"}, {"prefix": "http"})),
            "authority": draw(
                one_of(None, None, None, None, {"prefix": "shop"}, {"regex": "[^:]*(:[0-9]+)?"}, {"prefix": "api"})
            ),
            "headers": draw(sparse(headers_of())),
            "withoutHeaders": draw(sparse(headers_of())),
            "queryParams": draw(
                sparse(st.dictionaries(one_of("k", "j"), st.one_of(VALUE, PRESENCE), min_size=1, max_size=2))
            ),
            "port": draw(one_of(None, None, None, None, 7000, 80, 9)),
            "statPrefix": draw(one_of(None, None, "counted")),
        }
    )
    if "uri" in found and draw(st.booleans()):
        found["ignoreUriCase"] = True
    if gateways == ("mesh",):
        if draw(one_of(0, 1, 2)) == 0:
            found["sourceLabels"] = {"app": draw(one_of("caller", "stranger"))}
        if draw(one_of(0, 1, 2)) == 0:
            found["sourceNamespace"] = draw(one_of("mesh", "other"))
    elif len(gateways) > 1 and draw(st.booleans()):
        found["gateways"] = [draw(st.sampled_from(gateways))]
    return found


@st.composite
def header_operations(draw: st.DrawFn, *names: str, host: bool = False) -> Json:
    order = draw(st.permutations(names))
    found: Json = {}
    for name, group in zip(order, draw(st.lists(one_of("set", "add", "remove", ""), min_size=3)), strict=False):
        if group == "remove":
            found.setdefault("remove", []).append(name)
        elif group:
            found.setdefault(group, {})[name] = draw(one_of("new", "other value", "100%% sure"))
    if host and draw(one_of(0, 1, 2, 3)) == 0:
        found.setdefault("set", {})[draw(one_of("host", "Host", ":authority"))] = "changed.example.com"
    return found


@st.composite
def header_changes(draw: st.DrawFn) -> Json:
    return {
        "request": draw(header_operations("x-one", "x-Added", "x-gone", host=True)),
        "response": draw(header_operations("x-answer", "X-more", "server")),
    }


@st.composite
def destinations(draw: st.DrawFn) -> list[Json]:
    found = []
    hosts = draw(st.lists(one_of("shop", "shop:v1", "shop:v2", "cart", "nobody"), min_size=1, max_size=3, unique=True))
    for named in hosts:
        host, _, subset = named.partition(":")
        destination = {"host": draw(one_of(host, f"{host}.mesh.svc.cluster.local"))}
        if subset:
            destination["subset"] = subset
        if draw(st.booleans()):
            destination["port"] = {"number": 7000}
        each: Json = {"destination": destination}
        if len(hosts) > 1:
            each["weight"] = draw(one_of(50, 50, 0))
        if changes := draw(sparse(header_changes())):
            each["headers"] = changes
        found.append(each)
    if len(hosts) > 1 and not any(item["weight"] for item in found):
        found[0]["weight"] = 50
    return found


REWRITES = st.one_of(
    some(uri=one_of("/new", "/", "/new/"), authority=one_of("inner.example.com")).filter(bool),
    st.builds(
        lambda pair: {"uriRegexRewrite": {"match": pair[0], "rewrite": pair[1]}},
        one_of(("^/a/(.*)$", r"/\1"), ("b", "c"), ("/x([0-9])", r"/n\1")),
    ),
)


@st.composite
def redirects(draw: st.DrawFn) -> Json:
    where = draw(one_of({"uri": "/moved"}, {"authority": "elsewhere.example.com"}, {"authority": "e.example.com:9443"}))
    return present(
        {
            **where,
            **({"uri": "/moved"} if draw(st.booleans()) else {}),
            "redirectCode": draw(one_of(None, 301, 302, 303, 307, 308)),
            **draw(
                one_of(
                    {},
                    {"port": 9443},
                    {"port": 80},
                    {"derivePort": "FROM_PROTOCOL_DEFAULT"},
                    {"derivePort": "FROM_REQUEST_PORT"},
                )
            ),
            "scheme": draw(one_of(None, "http", "https")),
        }
    )


@st.composite
def cors(draw: st.DrawFn) -> Json:
    return present(
        {
            "allowOrigins": [draw(one_of({"exact": "https://shop"}, {"prefix": "https://s"}, {"regex": ".*shop"}))],
            "allowMethods": draw(one_of(None, ["GET", "PUT"])),
            "allowHeaders": draw(one_of(None, ["x-one"])),
            "exposeHeaders": draw(one_of(None, ["x-answer"])),
            "maxAge": draw(one_of(None, "1h")),
            "allowCredentials": draw(one_of(None, True)),
            "unmatchedPreflights": draw(one_of(None, "FORWARD", "IGNORE")),
        }
    )


@st.composite
def faults(draw: st.DrawFn) -> Json:
    share = one_of(None, {"value": 100}, {"value": 0}, {"value": 50.5})
    found: Json = {}
    if draw(st.booleans()):
        found["delay"] = present({"fixedDelay": "2ms", "percentage": draw(share)})
    if draw(st.booleans()) or not found:
        found["abort"] = present({"httpStatus": draw(one_of(418, 555)), "percentage": draw(share)})
    return found


@st.composite
def routes(draw: st.DrawFn, gateways: tuple[str, ...], number: int) -> Json:
    match = draw(st.lists(blocks(gateways), min_size=0 if number else 1, max_size=3))
    match = [item for item in match if set(item) - {"name", "statPrefix"}]
    found: Json = {"name": f"route-{number}"}
    if match:
        found["match"] = match
    kind = draw(one_of("route", "route", "route", "route", "redirect", "answer"))
    changes = draw(sparse(header_changes()))
    if changes:
        found["headers"] = changes
    if kind == "redirect":
        found["redirect"] = draw(redirects())
    elif kind == "answer":
        body = draw(one_of(None, {"string": "hello"}, {"bytes": "aGVsbG8gYnl0ZXM="}))
        found["directResponse"] = present({"status": draw(one_of(200, 404, 503)), "body": body})
    else:
        found |= draw(forwards())
        names = {name.lower() for name in found.get("headers", {}).get("request", {}).get("set", {})}
        # The authority may be set once.
        if names & {"host", ":authority"} and "authority" in found.get("rewrite", {}):
            found["rewrite"] = {"uri": "/new"}
    return found


@st.composite
def forwards(draw: st.DrawFn) -> Json:
    found = present(
        {
            "route": draw(destinations()),
            "rewrite": draw(sparse(REWRITES)),
            "fault": draw(one_of(0, 1, 2, 3, 4).flatmap(lambda n: faults() if n == 0 else st.none())),
            "timeout": draw(one_of(None, "20s", "15s")),
            "corsPolicy": draw(sparse(cors())),
            "retries": draw(
                one_of(
                    None,
                    {"attempts": 0},
                    {"attempts": 2, "perTryTimeout": "10s", "backoff": "10ms", "retryIgnorePreviousHosts": False},
                    *({"attempts": 1, "retryOn": text} for text in RETRY_ON),
                )
            ),
        }
    )
    share = {"percentage": draw(one_of({"value": 100}, {"value": 0}))} if draw(st.booleans()) else {}
    mirror = draw(one_of(0, 1, 2, 3, 4, 5, 6, 7))
    if mirror == 0:
        found |= {"mirror": {"host": "copy"}, **({"mirrorPercentage": share["percentage"]} if share else {})}
    elif mirror == 2:
        found |= {"mirror": {"host": "copy"}, "mirrorPercent": draw(one_of(0, 100))}
    elif mirror == 1:
        found["mirrors"] = [{"destination": {"host": "copy"}, **share}, {"destination": {"host": "copy2"}}]
    return found


def rule(name: str, spec: Json, namespace: str = "mesh") -> Json:
    version = "networking.istio.io/v1"
    return {
        "apiVersion": version,
        "kind": "VirtualService",
        "metadata": {"name": name, "namespace": namespace},
        "spec": spec,
    }


@st.composite
def virtual_services(draw: st.DrawFn) -> list[Json]:
    """One rule or two: for a Service's host in the mesh, for a gateway, for both; with a delegate now and then."""
    kind = draw(one_of("mesh", "mesh", "gateway", "both", "two", "delegate", "exported"))
    gateways: tuple[str, ...] = {"mesh": ("mesh",), "both": ("mesh", "door")}.get(kind, ("door",))
    gateways = ("mesh",) if kind in ("delegate", "exported") else gateways
    count = draw(one_of(1, 2, 3, 4, 5))
    http = [draw(routes(gateways, number)) for number in range(count)]
    hosts = {
        "mesh": [draw(one_of("shop", "shop.mesh.svc.cluster.local", "*.mesh.svc.cluster.local"))],
        "gateway": [draw(one_of("*", "*.example.com", "api.example.com"))],
        "both": ["shop", draw(one_of("api.example.com", "*.example.com"))],
        "two": ["api.example.com"],
        "delegate": ["shop"],
        "exported": ["shop"],
    }[kind]
    spec: Json = {"hosts": hosts, "http": http, **({} if gateways == ("mesh",) else {"gateways": list(gateways)})}
    found = [rule("first", spec)]
    if kind == "two":
        more = [draw(routes(gateways, number)) for number in range(draw(one_of(1, 2)))]
        found.append(rule("second", {"hosts": draw(one_of(["*"], hosts)), "gateways": ["door"], "http": more}))
    elif kind == "exported":
        spec["exportTo"] = draw(one_of(["."], ["other"], ["*"], ["mesh", "other"]))
    elif kind == "delegate":
        root = present({"name": "root", "match": draw(one_of(None, [{"uri": {"prefix": "/a"}}]))})
        if draw(st.booleans()):
            root["match"] = [draw(blocks(("mesh",))) for _ in range(draw(one_of(1, 2)))]
            root["match"] = [item for item in root["match"] if set(item) - {"name", "statPrefix"}] or [
                {"uri": {"prefix": "/"}}
            ]
        root |= present({"timeout": draw(one_of(None, "15s")), "headers": draw(sparse(header_changes()))})
        found = [
            rule("first", {**spec, "http": [{**root, "delegate": {"name": "inner"}}, *http[:1]]}),
            rule("inner", {"http": [draw(routes(("mesh",), number)) for number in range(draw(one_of(1, 2, 3)))]}),
        ]
    return found


@st.composite
def requests(draw: st.DrawFn) -> Json:
    """A request without its place's facts, which the rig knows."""
    headers: list[tuple[str, str]] = []
    for name in ("x-one", "x-two", "x-gone"):
        headers += [(name, value) for value in draw(st.lists(one_of("", *VALUES), max_size=1))]
    if draw(one_of(0, 1, 2, 3)) == 0:
        headers.append(("x-one", draw(one_of(*VALUES))))
    if cookie := draw(one_of(None, *COOKIES)):
        headers.append(("cookie", cookie))
    if draw(one_of(0, 1, 2)) == 0:
        headers.append(("origin", draw(one_of("https://shop", "https://other"))))
        headers.append(("access-control-request-method", "PUT"))
    return {
        "caller": draw(one_of("caller", "stranger", GATEWAY, GATEWAY)),
        "host": draw(one_of(*HOSTS)),
        "method": draw(one_of(*METHODS)),
        "path": draw(st.sampled_from(PATHS)),
        "query": draw(st.sampled_from(QUERIES)),
        "headers": tuple(headers),
    }


def placed(drawn: Json, arrived: int) -> Request:
    """The request as it is made at its place."""
    at_gateway = drawn["caller"] == GATEWAY
    namespace = "other" if drawn["caller"] == "stranger" else "mesh"
    host = drawn["host"]
    if at_gateway:
        # A browser names the port that is not its scheme's own.
        authority = f"{host}:{arrived}" if drawn["query"] else host
    else:
        host = "shop" if "." in host else host
        host = host if namespace == "mesh" else f"{host}.mesh.svc.cluster.local"
        authority = f"{host}:7000"
    return Request(
        place=GATEWAY if at_gateway else "mesh",
        host=host,
        port=80 if at_gateway else 7000,
        method=drawn["method"],
        path=drawn["path"],
        query=drawn["query"],
        headers=drawn["headers"],
        namespace=namespace,
        labels={} if at_gateway else {"app": drawn["caller"]},
        authority=authority,
        arrived=arrived if at_gateway else 7000,
    )
