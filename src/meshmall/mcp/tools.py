"""The tools: each does what a command of `meshmall` does, and returns a typed result instead of printing one.

Errors that a user can cause raise Failure and ApiError, as in the commands; `meshmall.mcp.server` turns them into the
protocol's.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from mesh.branches.compare import Ask, Gateway, answering, compare, send
from mesh.client.errors import ApiError
from mesh.client.rollout import pods_of
from mesh.daemon.failure import Failure
from mesh.resources.analysis.unready import causes
from mesh.resources.meshmall.branch import GROUP
from mesh.resources.values.body import Body
from mesh.resources.values.ref import DEPLOYMENT, Ref
from meshmall.cli.apply import refusal
from meshmall.cli.branch.create import entry_text
from meshmall.cli.branch.names import object_name
from meshmall.cli.branch.spec import BranchOptions
from meshmall.cli.branch.wait import Steps, branch_ref, condition, existing, until_ready
from meshmall.cli.context import Context
from meshmall.mcp.results import Answer, Branch, Comparison, Difference, Health, Hop, Log

# What an agent forgets goes away by itself.
EXPIRES = "4h"
READY_LIMIT = 120.0
SPANS_LIMIT = 5.0
LONGEST_BODY = 20_000
MOST_LINES = 1_000


class Tools:
    """The tools for the mesh of a context."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def list_branches(self) -> list[Branch]:
        """List the branches of the system: which services each changes, and whether it is ready."""
        bodies = self._context.client.list(GROUP, "Branch", self._context.namespace)
        return [_branch(body) for body in bodies]

    def create_branch(
        self,
        name: str,
        services: list[str],
        folder: str = "",
        command: str = "",
        env: dict[str, str] | None = None,
        cookie: str = "",
        expires: str = EXPIRES,
    ) -> Branch:
        """Create a branch in which you change services, and wait until it is ready.

        Requests that enter it reach your version of the services; nobody else notices. `folder` is an absolute path,
        such as a git worktree: the forked services run with their baseline's command in it. `command` replaces the
        command of the service (of one; for several, create the branch first). `cookie` (NAME=VALUE) makes a browser's
        requests enter it; the other tools need none.
        """
        if command and len(services) != 1:
            raise Failure(f"command: is for one service, not for {len(services)}")
        if folder and not Path(folder).is_absolute():
            raise Failure(f'folder: "{folder}" is not an absolute path')
        options = BranchOptions(
            forks=services,
            env=[f"{key}={value}" for key, value in (env or {}).items()],
            command=[f"{services[0]}={command}"] if command else [],
            folders=[folder] if folder else [],
            cookies=[cookie] if cookie else [],
            expires=expires,
        )
        body = options.branch(object_name(name), name)
        name = body["metadata"]["name"]
        try:
            self._context.client.get(branch_ref(self._context, name))
        except ApiError as error:
            if error.status != 404:
                raise
        else:
            raise Failure(f"branch {name} already exists", "delete it first, or choose another name")
        try:
            self._context.client.apply([body], namespace=self._context.namespace)
        except ApiError as error:
            raise refusal(error, "nothing was changed") from None
        return _branch(until_ready(self._context, name, Steps(), READY_LIMIT))

    def delete_branch(self, name: str) -> str:
        """Delete a branch and everything that was created for it. The baseline is never touched."""
        name = existing(self._context, name)
        self._context.client.delete([branch_ref(self._context, name)])
        return f"deleted branch {name}"

    def send_request(
        self,
        path: str,
        branch: str = "",
        method: str = "GET",
        headers: dict[str, str] | None = None,
        body: str = "",
    ) -> Answer:
        """Send a request to the gateway, in a branch or in none, and see which service and version answered each call.

        Methods other than GET may change data, which branches share.
        """
        name = existing(self._context, branch) if branch else ""
        spans: list[Body] = []
        request_ids: list[str] = []

        def reported(request_id: str) -> Mapping[str, str]:
            request_ids.append(request_id)
            spans.extend(self._spans(request_id))
            return answering(spans) or {}

        ask = Ask(method.upper(), tuple((headers or {}).items()), body)
        got = send(self._gateway(), path, ask, reported, name)
        text = got.body[:LONGEST_BODY] if isinstance(got.body, str) else got.body
        return Answer(
            status=got.status,
            headers=dict(got.headers),
            body=text,
            milliseconds=round(got.milliseconds, 1),
            branch=got.branch,
            request_id=request_ids[0],
            hops=[_hop(span) for span in spans],
        )

    def compare_with_baseline(self, branch: str, path: str = "/") -> Comparison:
        """Send the same GET request to the baseline and to a branch, and list what differs."""
        name = existing(self._context, branch)
        compared = compare(self._gateway(), name, path, Ask(), lambda request: answering(self._spans(request)) or {})
        return Comparison(
            path=path,
            baseline_milliseconds=round(compared.baseline_milliseconds, 1),
            branch_milliseconds=round(compared.branch.milliseconds, 1),
            differences=[Difference(what=d.what, baseline=d.baseline, branch=d.branch) for d in compared.differences],
        )

    def read_logs(self, name: str, lines: int = 100) -> Log:
        """Read the end of a log. `name` is a pod, or a Deployment (then of its newest pod)."""
        client, namespace = self._context.client, self._context.namespace
        pod = name
        try:
            client.get(Ref("", "Pod", namespace, name))
        except ApiError as error:
            if error.status != 404:
                raise
            pods = pods_of(client, Ref(*DEPLOYMENT, namespace, name))
            if not pods:
                raise Failure(f"Deployment {namespace}/{name} has no pod") from None
            pod = pods[0]["metadata"]["name"]
        raw = b"".join(client.logs(namespace, pod, tail=min(lines, MOST_LINES)))
        return Log(pod=pod, lines=raw.decode(errors="replace").splitlines())

    def check_health(self) -> Health:
        """Say what is wrong in the mesh, and why pods are not ready."""
        client = self._context.client
        status = client.status()
        problems = [*status.get("problems", []), *_unready(client.list("", "Pod", self._context.namespace))]
        return Health(gateway=str(status["gateway"]), problems=problems)

    def _gateway(self) -> Gateway:
        settings = self._context.settings
        return Gateway(settings.address, settings.gateway_port)

    def _spans(self, request_id: str) -> list[Body]:
        """What Envoy reported of a request; the outermost span comes last."""
        deadline = time.monotonic() + SPANS_LIMIT
        spans: list[Body] = []
        while time.monotonic() < deadline:
            spans = list(self._context.client.request(request_id))
            if answering(spans) is not None:
                break
            time.sleep(0.02)
        return spans


def _branch(body: Body) -> Branch:
    status = body.get("status") or {}
    ready = condition(body, "Ready")
    return Branch(
        name=body["metadata"]["name"],
        phase=status.get("phase", "Pending"),
        changes=[f"{service['name']}{'' if service.get('ready') else '!'}" for service in status.get("services", ())],
        entries=[entry_text(entry) for entry in body["spec"].get("enter", ())],
        address=status.get("url", ""),
        expires=status.get("expiresAt", ""),
        problem="" if ready.get("status") == "True" else ready.get("message", ""),
    )


def _hop(span: Mapping[str, Any]) -> Hop:
    destination = span["destination"] or {}
    return Hop(
        parent=span["parent"],
        service=span["service"],
        workload=destination.get("workload", ""),
        method=span["method"],
        url=span["url"],
        status=span["status"],
        milliseconds=span["milliseconds"],
        branch=destination.get("branch", ""),
        problem=span["problem"],
    )


def _unready(pods: Sequence[Body]) -> Iterator[str]:
    for pod in pods:
        for cause in causes(pod):
            yield f"pod {pod['metadata']['name']}, container {cause.container}: {cause.reason}: {cause.message}"
