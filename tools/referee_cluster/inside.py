"""What happens inside the cluster's network namespace: the demo's scenario, then the rendered branches."""

import json
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.support.mesh import BASELINE, FOX, JASON, seen

from tools.referee_cluster.control_plane import Cluster, Processes, until
from tools.referee_cluster.kubelet import Kubelet
from tools.referee_cluster.network import make_bridge
from tools.referee_cluster.questions import SHOP, Question, ask

Json = Any
DEPLOY = Path(__file__).parents[2] / "deploy"
SETTLED = 60.0
GATEWAY = """apiVersion: v1
kind: Service
metadata: {name: istio-ingressgateway, namespace: istio-system, labels: {istio: ingressgateway}}
spec:
  selector: {istio: ingressgateway}
  ports: [{name: http2, port: 80, targetPort: 8080}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: istio-ingressgateway, namespace: istio-system}
spec:
  selector: {matchLabels: {istio: ingressgateway}}
  template:
    metadata: {labels: {istio: ingressgateway, app: istio-ingressgateway}}
    spec: {containers: [{name: istio-proxy, image: envoy}]}
"""


class Referee:
    """The cluster, its gateway, and what was found to differ."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.problems: list[str] = []
        self._gateway = ""

    def say(self, text: str) -> None:
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()

    def check(self, what: str, is_right: bool, details: object = "") -> None:
        """Prints a line, and remembers it if it is wrong."""
        self.say(f"  {'right' if is_right else 'WRONG'}  {what}{'' if is_right else f': {details}'}")
        if not is_right:
            self.problems.append(what)

    def ask(self, questions: Sequence[Question]) -> list[Json]:
        return ask(self._gateway, 8080, questions)

    def seen(self, cookie: str, count: int) -> Counter[Json]:
        """What pages with this cookie show, counted."""
        question = Question(SHOP, "/api/mall", (("cookie", cookie),))
        answers = self.ask([question] * count)
        return Counter(seen(page) if status == 200 else status for status, _, page in answers)

    def start_gateway(self) -> None:
        self.cluster.kubectl("apply", "-f", "-", text=GATEWAY)
        path = "/api/v1/namespaces/istio-system/pods"
        self._gateway = until("the gateway's pod", lambda: self._address(path))

    def _address(self, path: str) -> str:
        pods = self.cluster.call("GET", path)["items"]
        return str(pods[0].get("status", {}).get("podIP", "")) if pods else ""

    def apply(self, *names: str) -> None:
        """Applies manifests with the server's strict validation, and waits for their Deployments."""
        for name in names:
            self.cluster.kubectl("apply", "-n", "mesh", "--validate=strict", "-f", name)
        self.wait()

    def wait(self) -> None:
        for name in self.cluster.kubectl("get", "deployments", "-n", "mesh", "-o", "name").split():
            self.cluster.kubectl("rollout", "status", "-n", "mesh", name, "--timeout=120s")

    def rules(self) -> Json:
        """The team's own rules, as they are stored."""
        kinds = "virtualservices.networking.istio.io,destinationrules.networking.istio.io,services,deployments.apps"
        listed = json.loads(self.cluster.kubectl("get", kinds, "-n", "mesh", "-o", "json"))["items"]
        return {f"{item['kind']}/{item['metadata']['name']}": _stored(item) for item in listed}


def _stored(item: Json) -> Json:
    """An object without what the controllers report about it."""
    meta = {key: value for key, value in item["metadata"].items() if key not in ("resourceVersion", "managedFields")}
    return {**{key: value for key, value in item.items() if key != "status"}, "metadata": meta}


def play(work: Path) -> int:
    """Returns 1 if anything differs."""
    plan = json.loads((work / "plan.json").read_text())
    make_bridge()
    processes = Processes(work)
    cluster = Cluster(processes, Path(plan["kubectl"]))
    kubelet = Kubelet(cluster, Path(plan["envoy"]))
    referee = Referee(cluster)
    try:
        started = time.monotonic()
        cluster.start_kubernetes(*(Path(plan[name]) for name in ("etcd", "kube-apiserver", "kube-controller-manager")))
        cluster.start_istiod(Path(plan["istiod"]), [Path(path) for path in plan["definitions"]])
        kubelet.start()
        referee.start_gateway()
        referee.say(f"the control plane is ready after {time.monotonic() - started:.1f} s")
        _scenario(referee)
        _branches(referee, work, plan)
    finally:
        if kubelet.is_alive():
            kubelet.stop()
        processes.stop_all()
    for problem in referee.problems:
        referee.say(f"differs: {problem}")
    referee.say(f"referee-cluster: {len(referee.problems)} differ")
    return 1 if referee.problems else 0


def _scenario(referee: Referee) -> None:
    """The demo: jason, fox and everybody else each see their own mall."""
    referee.say("jason, fox and everybody else")
    referee.apply(str(DEPLOY / "mesh-mall-v1.yaml"), str(DEPLOY / "mesh-routing.yaml"))
    _settle(referee, {"user=jason": BASELINE, "user=fox": BASELINE, "user=xx": BASELINE}, "before the branches")
    referee.apply(str(DEPLOY / "jason.yaml"), str(DEPLOY / "fox.yaml"))
    _settle(referee, {"user=jason": JASON, "user=fox": FOX, "user=xx": BASELINE}, "with both branches")
    referee.apply(str(DEPLOY / "mall-v2.yaml"))
    _settle(referee, {"user=jason": JASON, "user=fox": FOX, "user=xx": BASELINE}, "with the canary")
    referee.cluster.kubectl("delete", "-n", "mesh", "-f", str(DEPLOY / "jason.yaml"))
    _settle(referee, {"user=jason": BASELINE, "user=fox": FOX, "user=xx": BASELINE}, "without jason's branch")
    referee.cluster.kubectl("delete", "-n", "mesh", "-f", str(DEPLOY / "fox.yaml"), "-f", str(DEPLOY / "mall-v2.yaml"))
    _settle(referee, {"user=jason": BASELINE, "user=fox": BASELINE, "user=xx": BASELINE}, "without any")


def _settle(referee: Referee, expected: dict[str, Json], when: str) -> None:
    """Waits until the rules have reached every Envoy, then asks fifty times each."""
    deadline = time.monotonic() + SETTLED
    while time.monotonic() < deadline and any(set(referee.seen(c, 3)) != {page} for c, page in expected.items()):
        time.sleep(0.5)
    for cookie, page in expected.items():
        pages = referee.seen(cookie, 50)
        if set(pages) == {0}:
            raise SystemExit(f"the gateway does not answer\n{referee.cluster.processes.logs('envoy-1-')}")
        referee.check(f"{cookie:11} {when}: 50 of 50", set(pages) == {page}, dict(pages))


def _branches(referee: Referee, work: Path, plan: Json) -> None:
    """The rendered branches: each page as mesh-mall has it, and no trace of them afterwards."""
    questions = [Question(host, path, tuple((n, v) for n, v in headers)) for host, path, headers in plan["questions"]]
    expected: list[Json] = plan["answers"]
    before, objects = referee.rules(), referee.cluster.kubectl("get", "all,vs,dr", "-n", "mesh", "-o", "name")
    referee.say("rendered branches")
    referee.apply(str(work / "rendered.yaml"))
    after = referee.rules()
    same = {name for name, item in before.items() if after.get(name) == item}
    referee.check("no object of the team was changed", same == before.keys(), before.keys() - same)
    sample = questions[:60]
    deadline = time.monotonic() + SETTLED
    while time.monotonic() < deadline and referee.ask(sample) != expected[: len(sample)]:
        time.sleep(1)
    answers = referee.ask(questions)
    wrong = [number for number, answer in enumerate(answers) if answer != expected[number]]
    entered = sum(bool(branch) for _, branch, _ in expected)
    for number in wrong[:5]:
        referee.say(f"    {questions[number]}\n      mesh-mall {expected[number]}\n      cluster   {answers[number]}")
    referee.check(f"{len(answers)} requests, {entered} of them in a branch", not wrong, f"{len(wrong)} differ")
    referee.cluster.kubectl("delete", "-n", "mesh", "-f", str(work / "rendered.yaml"), "--wait")
    until(
        "the branches' objects gone",
        lambda: referee.cluster.kubectl("get", "all,vs,dr", "-n", "mesh", "-o", "name") == objects,
    )
    referee.check("after deletion every object is as before", referee.rules() == before)
    _settle(referee, {"user=a": BASELINE, "user=xx": BASELINE}, "after deletion")


if __name__ == "__main__":
    sys.exit(play(Path(sys.argv[1])))
