"""The recorded kubectl commands, run against a server that has what was there when they were recorded.

    python -m tests.conformance.api_server.kubectl [--record]

prints where exit code or standard output differ; `--record` renews the list of known differences. What changes with
every run (ages, addresses, generated names) is replaced by words on both sides.
"""

import asyncio
import difflib
import re
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from tests.conformance.api_server.conversations import answers, record
from tests.conformance.api_server.verbs import furnish
from tests.conformance.api_server.world import World, world_of
from tests.support.api import Kubectl

NAMESPACE = "kk"
# What is generated, or says when and where: a pattern, and the word that stands for it.
RANDOM = tuple(
    (re.compile(pattern, re.MULTILINE), word)
    for pattern, word in (
        (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "UID"),
        (r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z| [+-]\d{4})", "TIME"),
        (r"\b[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d [+-]\d{4}", "TIME"),
        (r"\b(web|d2)-[a-z0-9]{6,10}-[a-z0-9]{5}\b", r"\1-RS-POD"),
        (r"\b(web|d2)-(?!RS)[a-z0-9]{6,10}\b(?!-)", r"\1-RS"),
        (r"\bweb-(?!RS|EPS)[a-z0-9]{5}\b(?!-)", "web-EPS"),
        (r"\b(j2|debugger|kube-api-access)-[a-z0-9]{5}\b", r"\1-X"),
        (r"pod-template-hash([=:] ?)[a-z0-9]+\b", r"pod-template-hash\1HASH"),
        (r"(resourceVersion\"?[=:] ?)\"\d+\"", r'\1"RV"'),
        (r"(Resource Version:\s+)\d+", r"\1RV"),
        (r"\b\d{1,3}(\.\d{1,3}){3}\b(/\d+)?(:\d+)?", "IP"),
        (r"\b80:3\d{4}/", "80:NP/"),
        (r"\b(\d+[smhd])+\b(?!\.)", "AGE"),
        (r"\(AGE ago\)|AGE ago", "AGE"),
        (r"(/\S*/)?(LIVE|MERGED)-\d+", "TMP"),
        (r"/tmp/\S*?/k/", "DIR/k/"),
        (r"/tmp/\S*?/k\b", "DIR/k"),
        (r"https://(localhost|IP)\S*", "https://SERVER"),
        # Words that newer releases of kubectl have changed.
        (r" from kk namespace", ""),
        (r"successThreshold=(\d+) failureThreshold=(\d+)", r"#success=\1 #failure=\2"),
        (r"(Port:\s+\d+/\w+) \(\w+\)", r"\1"),
        (r"\beyJ[\w-]+\.[\w-]+\.[\w-]+", "TOKEN"),
    )
)


# What `kubectl explain` says is in words of our own: the fields are compared, not the words.
EXPLAINED = re.compile(r"^ *([a-zA-Z]+)\t* *<.*>( -required-)?$|^(KIND|VERSION|FIELD): *([\w/.]*).*$")


def normalised(text: str, case: str = "") -> str:
    """Output of a command without what differs from run to run, and with columns two spaces apart."""
    if case.startswith("explain"):
        found = filter(None, map(EXPLAINED.match, text.split("\n")))
        return "\n".join(match.group(1) or f"{match.group(3)} {match.group(4)}" for match in found)
    if case == "get nodes":
        # The machine itself is a Node here.
        text = "\n".join(line for line in text.split("\n") if not line.startswith("localhost "))
    for pattern, word in RANDOM:
        text = pattern.sub(word, text)
    lines = [re.sub(r" {2,}|\t", "  ", line).rstrip() for line in text.strip("\n").split("\n")]
    return "\n".join(lines).strip()


def expected() -> dict[str, list[Any]]:
    """Exit code and standard output of every recorded command, except those that show what is measured at that moment.

    The recorded server had no metrics; here they come when there was time to measure.
    """
    return {
        case: [answer[0], normalised(answer[1], case)]
        for case, answer in answers("kubectl").items()
        if not case.startswith("top ")
    }


def write_files(folder: Path) -> None:
    """The manifests that the commands name."""
    files = folder / "k"
    files.mkdir()
    for name, objects in (
        ("app", _app(2, "b")),
        ("app2", _app(3, "c")),
        ("bad", [_bad(replica=1)]),
        ("bad2", [_bad()]),
        ("sts", [_stateful_set()]),
    ):
        (files / f"{name}.yaml").write_text(yaml.safe_dump_all(objects, sort_keys=False))


def _object(api_version: str, kind: str, name: str, **more: Any) -> dict[str, Any]:
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": name}, **more}


def _app(replicas: int, value: str) -> list[dict[str, Any]]:
    labels = {"app": "web"}
    container = {
        "name": "c",
        "image": "nginx:1.2",
        "ports": [{"containerPort": 80, "name": "http"}],
        "env": [{"name": "A", "value": "b"}],
        "envFrom": [{"configMapRef": {"name": "conf"}}],
        "readinessProbe": {"httpGet": {"port": "http"}},
        "resources": {"limits": {"cpu": "100m"}},
    }
    template = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
    spec = {"replicas": replicas, "selector": {"matchLabels": labels}, "template": template}
    deployment = _object("apps/v1", "Deployment", "web", spec=spec)
    deployment["metadata"]["labels"] = labels
    ports = [{"name": "http", "port": 80, "targetPort": "http"}]
    route = {"hosts": ["web"], "http": [{"route": [{"destination": {"host": "web"}}]}]}
    rules = [{"backendRefs": [{"name": "web", "port": 80}]}]
    backend = {"service": {"name": "web", "port": {"number": 80}}}
    paths = [{"path": "/", "pathType": "Prefix", "backend": backend}]
    budget = {"minAvailable": 1, "selector": {"matchLabels": labels}}
    return [
        _object("v1", "ConfigMap", "conf", data={"a": value}),
        deployment,
        _object("v1", "Service", "web", spec={"selector": labels, "ports": ports}),
        _object("networking.istio.io/v1", "VirtualService", "web", spec=route),
        _object(
            "gateway.networking.k8s.io/v1", "HTTPRoute", "web", spec={"parentRefs": [{"name": "g"}], "rules": rules}
        ),
        _object("policy/v1", "PodDisruptionBudget", "web", spec=budget),
        _object("networking.k8s.io/v1", "Ingress", "web", spec={"rules": [{"host": "a.b", "http": {"paths": paths}}]}),
    ]


def _bad(**more: Any) -> dict[str, Any]:
    container = {"name": "c", "image": "nginx", "ports": [{"name": "http"}]}
    template = {"metadata": {"labels": {"a": "c"}}, "spec": {"containers": [container]}}
    return _object(
        "apps/v1", "Deployment", "bad", spec={**more, "selector": {"matchLabels": {"a": "b"}}, "template": template}
    )


def _stateful_set() -> dict[str, Any]:
    template = {"metadata": {"labels": {"a": "db"}}, "spec": {"containers": [{"name": "c", "image": "redis"}]}}
    spec = {"serviceName": "db", "replicas": 1, "selector": {"matchLabels": {"a": "db"}}, "template": template}
    return _object("apps/v1", "StatefulSet", "db", spec=spec)


def arguments(case: str, folder: Path) -> list[str]:
    """A recorded command line as arguments; underscores stand for spaces in schedules."""
    words = case.partition(" (")[0] if re.search(r" \(\d\)$", case) else case
    split = [word.replace("_", " ") if word.startswith("--schedule=") else word for word in words.split(" ")]
    return [re.sub(r"^k(?=/|$)", str(folder / "k"), word).replace("DIR", str(folder)) for word in split]


async def run_all(home: Path, cases: Iterable[str]) -> dict[str, list[Any]]:
    """Exit code and normalised standard output of commands, run one after the other against one server."""
    folder = home / "commands"
    folder.mkdir()
    write_files(folder)
    given: dict[str, list[Any]] = {}
    async with world_of(home) as world:
        await furnish(world, ("t", "v", "w3"))
        kubectl = Kubectl(world.api, folder)
        kubectl.environment["KUBE_EDITOR"] = "true"
        for case in cases:
            given[case] = await _run(world, kubectl, case, folder)
    return given


async def _run(world: World, kubectl: Kubectl, case: str, folder: Path) -> list[Any]:
    command = arguments(case, folder)
    # Before `--`, after which everything is the command to run in a container.
    at = command.index("--") if "--" in command else len(command)
    code, out, _ = await kubectl.answer(*command[:at], "-n", NAMESPACE, *command[at:])
    await world.settled()
    return [code, normalised(out.decode(), case)]


def main(options: list[str]) -> None:
    """Prints the differences, and renews the list of known ones when asked."""
    there = expected()
    with tempfile.TemporaryDirectory() as folder:
        given = asyncio.run(run_all(Path(folder), there))
    differing = [case for case, answer in there.items() if given[case] != answer]
    for case in differing:
        lines = difflib.unified_diff(there[case][1].split("\n"), given[case][1].split("\n"), lineterm="", n=0)
        changes = "\n".join(f"    {line}" for line in lines if not line.startswith(("---", "+++", "@@")))
        sys.stdout.write(f"$ {case} | {there[case][0]} {given[case][0]}\n{changes}\n")
    sys.stdout.write(f"{len(differing)} of {len(there)} differ\n")
    if "--record" in options:
        record("kubectl", differing)


if __name__ == "__main__":
    main(sys.argv[1:])
