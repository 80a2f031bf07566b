"""A small client of the API. It uses only the standard library, because the command line must import it quickly."""

import json
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

from mesh.client.connection import JSON, Connection
from mesh.client.errors import ApiError
from mesh.resources.values.body import Body
from mesh.resources.values.ref import Ref

if TYPE_CHECKING:
    from mesh.client.attach import Attachment
    from mesh.resources.registry import Registry

Bodies = list[Body]
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"


@dataclass(frozen=True, slots=True)
class Result:
    """The `result` for one object: created, configured, unchanged, deleted, not found."""

    ref: Ref
    result: str
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """The results of a change. `version` is the store's after it, for `sync`."""

    results: tuple[Result, ...]
    version: int

    @property
    def warnings(self) -> tuple[str, ...]:
        """All warnings, in the order of the objects."""
        return tuple(text for result in self.results for text in result.warnings)


@dataclass(frozen=True, slots=True)
class Refusal:
    """A resource that Envoy rejected, and the objects it was derived from."""

    resource: str
    origins: tuple[Ref, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class Synced:
    """Envoy's answer for a version of the store."""

    version: int
    milliseconds: float
    rejected: tuple[Refusal, ...]


class Client:
    """Calls the daemon of a home (`run/api.json`, `token` and `pki/` there). All methods raise ApiError."""

    def __init__(self, home: Path, *, timeout: float = 30.0) -> None:
        self._connection = Connection(home, timeout)
        self._registry: Registry | None = None

    def kinds(self) -> "Registry":
        """Every kind that the server has now, with those that users have defined."""
        from mesh.resources.custom.definitions import GROUP, KIND, extended  # noqa: PLC0415 - see _collection

        self._registry = extended(self.list(GROUP, KIND, None))
        return self._registry

    def apply(
        self,
        objects: Sequence[Body],
        *,
        namespace: str | None = None,
        dry_run: bool = False,
        keep_edits: bool = False,
    ) -> Outcome:
        """Applies objects as one change; nothing is changed when one of them is refused.

        With `keep_edits`, what somebody has changed since the last such apply stays.
        """
        body: Body = {"objects": list(objects), "dryRun": dry_run, "keepEdits": keep_edits}
        if namespace:
            body["namespace"] = namespace
        return _outcome(self._connection.call("POST", "/mesh/v1/apply", body))

    def delete(self, refs: Sequence[Ref], *, grace: int | None = None, dry_run: bool = False) -> Outcome:
        """Deletes objects as one change; those that do not exist are reported as not found."""
        body: Body = {"objects": [ref._asdict() for ref in refs], "dryRun": dry_run}
        if grace is not None:
            body["gracePeriodSeconds"] = grace
        return _outcome(self._connection.call("POST", "/mesh/v1/delete", body))

    def get(self, ref: Ref) -> Body:
        """One object; ApiError with status 404 when it does not exist."""
        return self._connection.call("GET", self._path(ref))

    def patch(self, ref: Ref, change: Body) -> Body:
        """Changes one object by a JSON merge patch (RFC 7386); returns the result."""
        return self._connection.call("PATCH", self._path(ref), change, media="application/merge-patch+json")

    def list(self, group: str, kind: str, namespace: str | None, *, selector: str = "") -> Bodies:
        """All objects of a kind in one namespace or (None) in all, filtered by a label selector."""
        return Bodies(
            self._connection.call("GET", f"{self._collection(group, kind, namespace)}{_query(selector)}")["items"]
        )

    def table(self, group: str, kind: str, namespace: str | None, *, name: str = "", selector: str = "") -> Body:
        """A kind's objects, or the one of that name, as the server prints them: a Table (meta.k8s.io/v1)."""
        path = self._collection(group, kind, namespace)
        path = f"{path}/{_segment(name)}" if name else f"{path}{_query(selector)}"
        return self._connection.call("GET", path, accept=TABLE)

    def watch(
        self,
        group: str,
        kind: str,
        namespace: str | None,
        *,
        since: int = 0,
        name: str = "",
        selector: str = "",
        as_tables: bool = False,
    ) -> Generator[Body, None, None]:
        """Events `{"type", "object"}` after version `since`; 0 starts with all objects. Close the generator to end.

        `name` and `selector` narrow the objects down; `as_tables` gives each as the server prints it, a Table of a row.
        """
        narrowed = {"fieldSelector": f"metadata.name={name}" if name else "", "labelSelector": selector}
        parameters = {"watch": "true", "resourceVersion": since, **narrowed}
        query = urlencode({key: value for key, value in parameters.items() if value != ""})
        path = f"{self._collection(group, kind, namespace)}?{query}"
        rest = b""
        for chunk in self._connection.stream(path, TABLE if as_tables else JSON):
            *lines, rest = (rest + chunk).split(b"\n")
            yield from map(json.loads, lines)

    def logs(
        self,
        namespace: str,
        pod: str,
        *,
        container: str | None = None,
        follow: bool = False,
        tail: int | None = None,
        previous: bool = False,
        timestamps: bool = False,
    ) -> Generator[bytes, None, None]:
        """A container's log in chunks; `follow` goes on until the container ends or the generator is closed."""
        query: dict[str, str | int] = {}
        if container:
            query["container"] = container
        if tail is not None:
            query["tailLines"] = tail
        for name, enabled in (("follow", follow), ("previous", previous), ("timestamps", timestamps)):
            if enabled:
                query[name] = "true"
        return self._connection.stream(
            f"{self._collection('', 'Pod', namespace)}/{_segment(pod)}/log?{urlencode(query)}"
        )

    def attach(self, namespace: str, pod: str, container: str) -> "Attachment":
        """A container's terminal: its own process's, not that of a command beside it."""
        query = urlencode({"container": container, "stdin": "true", "stdout": "true", "tty": "true"})
        return self._connection.attach(f"/api/v1/namespaces/{_segment(namespace)}/pods/{_segment(pod)}/attach?{query}")

    def listens(self, namespace: str, pod: str, port: int, *, limit: float = 1.0) -> bool:
        """Whether something in the pod accepts connections at the port; a refusal comes within `limit` seconds."""
        path = f"/api/v1/namespaces/{_segment(namespace)}/pods/{_segment(pod)}/portforward?ports={port}"
        forward = self._connection.attach(path)
        try:
            return not forward.refused_port(limit)
        finally:
            forward.close()

    def sync(self, version: int, *, timeout: float = 30.0) -> Synced:
        """Waits until Envoy has acknowledged a version of the store; ApiError 504 when it does not in time."""
        query = urlencode({"version": version, "timeout": max(1, round(timeout))})
        answer = self._connection.call("GET", f"/mesh/v1/sync?{query}", limit=timeout + 5)
        rejected = tuple(
            Refusal(item["resource"], tuple(Ref(**ref) for ref in item["origins"]), item["reason"])
            for item in answer["rejected"]
        )
        return Synced(answer["version"], answer["milliseconds"], rejected)

    def status(self) -> Body:
        """The daemon's own status: process, addresses, settings, Envoy, problems."""
        return self._connection.call("GET", "/mesh/v1/status")

    def route(self, url: str, *, caller: str, method: str, headers: Sequence[tuple[str, str]], namespace: str) -> Body:
        """A dry run of one request: which rule matches, why, and where the request goes."""
        body = {"url": url, "from": caller, "method": method, "namespace": namespace}
        return self._connection.call("POST", "/mesh/v1/route", {**body, "headers": [list(pair) for pair in headers]})

    def request(self, request_id: str) -> Bodies:
        """The hops of one request, by its x-request-id: see `mesh.observe.requests.describe`."""
        return Bodies(self._connection.call("GET", f"/mesh/v1/requests?{urlencode({'id': request_id})}")["items"])

    def last_request(self) -> str:
        """The x-request-id of the last request from outside; "" when there is none."""
        traces = self._connection.call("GET", "/mesh/v1/traces?from=gateway&limit=1")["items"]
        return str(traces[0]["requestId"]) if traces else ""

    def traces(self, *, status: str = "", limit: int = 50) -> Bodies:
        """The newest requests, of one `status` ("error", "5xx", "503") or of any: see `mesh.observe.traces.Trace`."""
        query = urlencode({"status": status, "limit": limit})
        return Bodies(self._connection.call("GET", f"/mesh/v1/traces?{query}")["items"])

    def topology(self, window: float, branch: str = "") -> Body:
        """Who calls whom, over the last `window` seconds: see `mesh.observe.topology.graph`."""
        return self._connection.call("GET", f"/mesh/v1/topology?{urlencode({'window': window, 'branch': branch})}")

    def snapshots(self, namespace: str) -> Bodies:
        """The snapshots of a namespace, the oldest first: see `mesh.branches.data.snapshots`."""
        path = f"/mesh/v1/snapshots?{urlencode({'namespace': namespace})}"
        return Bodies(self._connection.call("GET", path)["items"])

    def change_snapshot(self, path: str, body: Body, *, limit: float) -> Body:
        """Creates a snapshot (path ""), restores or deletes one ("/restore", "/delete"), within `limit` seconds."""
        return self._connection.call("POST", f"/mesh/v1/snapshots{path}", body, limit=limit)

    def data_diff(self, question: Body, *, limit: float) -> Bodies:
        """What differs between a branch's `stores` and the baseline's: see `mesh.branches.data.diff`."""
        return Bodies(self._connection.call("POST", "/mesh/v1/data/diff", question, limit=limit)["items"])

    def pod_metrics(self) -> Bodies:
        """CPU and memory of all pods (PodMetrics of metrics.k8s.io)."""
        return Bodies(self._connection.call("GET", "/apis/metrics.k8s.io/v1beta1/pods")["items"])

    def console(self) -> str:
        """An address that signs a browser in to the console; it works once, within a minute."""
        return str(self._connection.call("POST", "/mesh/v1/console")["url"])

    def limit(self, seconds: float) -> None:
        """All calls from now on together take at most so long; later ones raise ApiError with status 0."""
        self._connection.limit(seconds)

    def close(self) -> None:
        """Closes the connection."""
        self._connection.close()

    def _path(self, ref: Ref) -> str:
        return f"{self._collection(ref.group, ref.kind, ref.namespace)}/{_segment(ref.name)}"

    def _collection(self, group: str, kind: str, namespace: str | None) -> str:
        """The path of a kind's objects. Raises ApiError when there is no such kind."""
        from mesh.resources.kinds import REGISTRY  # noqa: PLC0415 - a client that only syncs does not need it

        # Most kinds are known without asking the server for those that users have defined.
        definition = (self._registry or REGISTRY).by_kind(group, kind) or self.kinds().by_kind(group, kind)
        if definition is None:
            raise ApiError(404, f'unknown kind "{kind}" in group "{group}"')
        root = f"/apis/{group}/{definition.versions[0]}" if group else f"/api/{definition.versions[0]}"
        scope = f"/namespaces/{_segment(namespace)}" if namespace and definition.namespaced else ""
        return f"{root}{scope}/{definition.plural}"


def _segment(name: str) -> str:
    """A name as part of a path, also one that the shell passed on without being UTF-8."""
    return quote(name, safe="", errors="surrogateescape")


def _query(selector: str) -> str:
    return f"?{urlencode({'labelSelector': selector})}" if selector else ""


def _outcome(answer: Body) -> Outcome:
    results = tuple(Result(Ref(**item["ref"]), item["result"], tuple(item["warnings"])) for item in answer["results"])
    return Outcome(results, answer["version"])
