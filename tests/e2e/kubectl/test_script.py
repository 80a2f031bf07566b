"""What people type, typed: a list of kubectl invocations with what must come out, run with two versions of kubectl.

Each line is (arguments, what stdout or stderr must contain, exit code). They build on one another, as a session does,
and begin with an empty mesh: the seed's two commands stand there character for character.
"""

import json
import re
import shutil
import sys
from pathlib import Path

import pytest

from tests.support.mesh import Mesh, run_kubectl
from tests.support.places import ROOT

WHEELS = Path(sys.executable).parent / "kubectl"
# The one on the path, unless that is the wheel's own.
MACHINES = shutil.which("kubectl")
if MACHINES is not None and WHEELS.exists() and Path(MACHINES).samefile(WHEELS):
    MACHINES = None

Step = tuple[str, str, int]

# $POD is the mall's pod, $FOLDER a folder of the test's own with the files below; $PODS and $SERVICES are what the IPs
# of pods and Services begin with.
STEPS: tuple[Step, ...] = (
    ("version", r"Server Version: v1\.\d+\.\d+\+mesh-mall", 0),
    ("cluster-info", "control plane is running at", 0),
    ("api-versions", r"networking\.istio\.io/v1beta1", 0),
    ("api-resources", r"virtualservices +vs +networking\.istio\.io/v1 +true +VirtualService", 0),
    ("api-resources --api-group=meshmall.dev", r"branches +br +meshmall\.dev/v1", 0),
    ("get --raw /readyz", "ok", 0),
    ("get ns", r"default +Active", 0),
    ("create -f deploy/namespace-that-is-not-there.yaml", "does not exist", 1),
    ("apply -f $FOLDER/namespace.yaml", "namespace/mesh configured", 0),
    # The seed's two commands.
    ("apply -f deploy/mesh-mall-v1.yaml -n mesh", r"deployment\.apps/mall-v1 created", 0),
    ("apply -f deploy/mesh-routing.yaml -n mesh", r"virtualservice\.networking\.istio\.io/mall-gateway created", 0),
    ("rollout status deployment/mall-v1 --timeout=60s", "successfully rolled out", 0),
    ("wait --for=condition=Available deployment --all --timeout=60s", r"deployment\.apps/users-v1 condition met", 0),
    ("apply -f deploy/mesh-routing.yaml -n mesh", r"destinationrule\.networking\.istio\.io/stock unchanged", 0),
    ("get all", r"service/mall +NodePort +$SERVICES\.", 0),
    ("get pods", r"NAME +READY +STATUS +RESTARTS +AGE\nd", 0),
    ("get pods -o wide", r"NODE +NOMINATED NODE +READINESS GATES", 0),
    ("get pods -l app=mall -o name", r"^pod/mall-v1-\w+-\w+\n$", 0),
    ("get pods --show-labels -l app=stock", "app=stock,branch=baseline", 0),
    ("get pods -A --sort-by=.metadata.name", r"mesh +discount-v1(.|\n)*mesh +users-v1", 0),
    ("get pods --field-selector status.phase=Running -o name", "pod/users-v1", 0),
    ("get pods --field-selector metadata.name=nobody", "No resources found", 0),
    ("get pods -o custom-columns=N:.metadata.name,IP:.status.podIP", r"N +IP\ndiscount-v1\S+ +$PODS\.", 0),
    ("get pod $POD -o jsonpath={.status.phase}", "^Running$", 0),
    ("get pods --chunk-size=3 -o name", "pod/users-v1", 0),
    ("get deploy mall-v1", r"mall-v1 +1/1 +1 +1", 0),
    ("get deploy mall-v1 -o yaml", "kind: Deployment", 0),
    ("get deploy,svc,cm -o json", '"kind": "List"', 0),
    ("get rs -o wide", r"DESIRED +CURRENT +READY +AGE +CONTAINERS +IMAGES +SELECTOR", 0),
    ("get svc mall", r"mall +NodePort +$SERVICES\.\S+ +<none> +7000:31004/TCP", 0),
    ("get vs,dr,gw", r'virtualservice\S+/mall-gateway +\["mall"\] +\["\*"\] +\d+s', 0),
    ("get vs -o wide", r'mall-gateway +\["mall"\] +\["\*"\] +\d+s +True', 0),
    ("get events", r"Normal +Scheduled +pod/", 0),
    ("events --types=Normal", r"Started +Pod/", 0),
    ("get nothing", "the server doesn't have a resource type", 1),
    ("get deploy nobody", r'deployments\.apps "nobody" not found', 1),
    ("describe pod $POD", r"Status: +Running(.|\n)*Started container mall", 0),
    ("describe deploy mall-v1", r"Replicas: +1 desired \| 1 updated \| 1 total \| 1 available", 0),
    ("describe svc mall", r"NodePort: +http +31004/TCP", 0),
    ("describe vs mall-gateway", r"Kind: +VirtualService(.|\n)*Programmed", 0),
    ("get nodes", r"Ready", 0),
    ("describe node", r"Addresses:", 0),
    ("top pods", r"mall-v1-\S+ +\d+m +\d+Mi", 0),
    ("auth can-i create deployments", "^yes\n$", 0),
    ("auth whoami", "Username", 0),
    ("explain virtualservice.spec.http.match", r"FIELD: match <\[\]HTTPMatchRequest>", 0),
    ("explain deployment.spec.replicas", r"FIELD: replicas <integer>", 0),
    ("explain branch.spec.fallback", r"FIELD: fallback <string>", 0),
    ("explain deployment.spec.nothing", 'field "nothing" does not exist', 1),
    ("apply -f $FOLDER/config.yaml", "configmap/settings created", 0),
    ("get cm settings", r"settings +1 ", 0),
    ("create cm note --from-literal=k=editme", "configmap/note created", 0),
    ("edit cm note", "configmap/note edited", 0),
    ("get cm note -o jsonpath={.data.k}", "^edited$", 0),
    ("edit cm note", "no changes made", 0),
    ("delete cm note", 'configmap "note" deleted', 0),
    ("create configmap typed --from-literal=a=1", "configmap/typed created", 0),
    ("create secret generic typed --from-literal=a=1", "secret/typed created", 0),
    ("get secret typed -o jsonpath={.data.a}", "^MQ==$", 0),
    ("create namespace other", "namespace/other created", 0),
    ("create serviceaccount robot", "serviceaccount/robot created", 0),
    ("create deployment sleeper --image=x --replicas=2 -- sleep 100", r"deployment\.apps/sleeper created", 0),
    ("rollout status deploy/sleeper --timeout=60s", "successfully rolled out", 0),
    ("expose deployment sleeper --port=80 --target-port=8080", "service/sleeper exposed", 0),
    ("create service nodeport door --tcp=80:8080 --node-port=31998", "service/door created", 0),
    ("get svc door", r"80:31998/TCP", 0),
    ("create role reader --verb=get --resource=pods", "has no effect here", 0),
    ("delete svc sleeper door", 'service "door" deleted', 0),
    ("delete deploy sleeper --cascade=foreground --timeout=60s", r'deployment\.apps "sleeper" deleted', 0),
    ("delete namespace other --timeout=60s", 'namespace "other" deleted', 0),
    ("label cm settings team=fox", "configmap/settings labeled", 0),
    ("label cm settings team=jason", "already has a value", 1),
    ("annotate cm settings note=hello", "configmap/settings annotated", 0),
    ("get cm -l team=fox -o name", "^configmap/settings\n$", 0),
    ('patch cm settings -p {"data":{"b":"2"}}', "configmap/settings patched", 0),
    ('patch cm settings --type=merge -p {"data":{"b":null}}', "configmap/settings patched", 0),
    ('patch cm settings --type=json -p [{"op":"add","path":"/data/c","value":"3"}]', "configmap/settings patched", 0),
    ("get cm settings -o jsonpath={.data}", r'^\{"a":"1","c":"3"\}$', 0),
    ("replace -f $FOLDER/config.yaml", "configmap/settings replaced", 0),
    ("diff -f $FOLDER/config2.yaml", r"\+ +a: (\"1?2\"|'2'|\"2\")", 1),
    ("apply -f $FOLDER/config2.yaml --dry-run=server", r"configmap/settings configured \(server dry run\)", 0),
    ("get cm settings -o jsonpath={.data.a}", "^1$", 0),
    ("apply --server-side -f $FOLDER/config2.yaml", "Apply failed with 1 conflict", 1),
    ("apply --server-side --force-conflicts -f $FOLDER/config2.yaml", "configmap/settings serverside-applied", 0),
    ("get cm settings -o jsonpath={.data.a}", "^2$", 0),
    ("apply --server-side --field-manager=ci -f $FOLDER/config.yaml", r'conflict with "kubectl".*: \.data\.a', 1),
    ("apply --server-side --field-manager=ci --force-conflicts -f $FOLDER/config.yaml", "serverside-applied", 0),
    ("get cm settings -o yaml --show-managed-fields", "manager: ci", 0),
    ("diff --server-side --field-manager=ci -f $FOLDER/config2.yaml", r"\+ +a: \"2\"", 1),
    ("apply -f $FOLDER/wrong.yaml --validate=strict", 'unknown field "spec.replica"; did you mean "replicas"', 1),
    ("apply -f $FOLDER/rule.yaml", '"v9" is not a subset of DestinationRule mesh/stock', 1),
    ("scale deploy stock-v1 --replicas=2", r"deployment\.apps/stock-v1 scaled", 0),
    ("rollout status deploy/stock-v1 --timeout=60s", "successfully rolled out", 0),
    ("set env deploy/stock-v1 EXTRA=1", r"deployment\.apps/stock-v1 env updated", 0),
    ("rollout restart deploy/stock-v1", r"deployment\.apps/stock-v1 restarted", 0),
    ("rollout status deploy/stock-v1 --timeout=60s", "successfully rolled out", 0),
    ("rollout history deploy/stock-v1", r"REVISION +CHANGE-CAUSE\n1 ", 0),
    ("rollout undo deploy/stock-v1 --to-revision=1", r"deployment\.apps/stock-v1 rolled back", 0),
    ("rollout pause deploy/stock-v1", "paused", 0),
    ("rollout resume deploy/stock-v1", "resumed", 0),
    ("wait --for=jsonpath={.status.phase}=Running pod -l app=mall --timeout=30s", "condition met", 0),
    ("logs $POD --tail=1", '"message":"', 0),
    ("logs deploy/mall-v1 --since=1h", '"message":"listening"', 0),
    ("logs -l app=mall --prefix --tail=1 --timestamps", r"^\[pod/mall-v1-\S+/mall\] \d{4}-", 0),
    ("logs $POD --previous", "previous terminated container", 1),
    ("exec $POD -- echo inside", "inside", 0),
    ("exec $POD -- false", "command terminated with exit code 1", 1),
    ("exec $POD -- no-such-program", "no-such-program", 127),
    ("apply -f $FOLDER/branch.yaml", r"branch\.meshmall\.dev/fox created", 0),
    ("wait --for=condition=Ready branch/fox --timeout=60s", r"branch\.meshmall\.dev/fox condition met", 0),
    ("get branches", r"fox +Ready +stock +user=fox", 0),
    ("delete branch fox", r'branch\.meshmall\.dev "fox" deleted', 0),
    ("apply -k $FOLDER/kustomize", "configmap/from-kustomize created", 0),
    ("delete -k $FOLDER/kustomize", 'configmap "from-kustomize" deleted', 0),
    ("delete pod -l app=sales --grace-period=1", r'pod "sales-v1-\S+" deleted', 0),
    ("wait --for=condition=Available deploy/sales-v1 --timeout=60s", "condition met", 0),
    ("delete cm settings", 'configmap "settings" deleted', 0),
    ("wait --for=delete cm/settings --timeout=30s", "", 0),
    ("delete cm settings --ignore-not-found", "", 0),
    ("delete cm settings", 'configmaps "settings" not found', 1),
    ("delete -f deploy/mesh-routing.yaml -n mesh", r'gateway\.networking\.istio\.io "mall" deleted', 0),
    ("delete deploy --all --cascade=background --timeout=60s", r'deployment\.apps "users-v1" deleted', 0),
    ("wait --for=delete pod -l app=users --timeout=60s", "", 0),
    ("config current-context", "mesh-mall", 0),
)  # fmt: skip

SETTINGS = {"name": "settings", "namespace": "mesh"}
FILES = {
    "namespace.yaml": {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "mesh"}},
    "config.yaml": {"apiVersion": "v1", "kind": "ConfigMap", "metadata": SETTINGS, "data": {"a": "1"}},
    "config2.yaml": {"apiVersion": "v1", "kind": "ConfigMap", "metadata": SETTINGS, "data": {"a": "2"}},
    "wrong.yaml": {
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "wrong", "namespace": "mesh"},
        "spec": {
            "replica": 1,
            "selector": {"matchLabels": {"a": "b"}},
            "template": {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}},
        },
    },
    "rule.yaml": {
        "apiVersion": "networking.istio.io/v1", "kind": "VirtualService",
        "metadata": {"name": "stock", "namespace": "mesh"},
        "spec": {"hosts": ["stock"], "http": [{"route": [{"destination": {"host": "stock", "subset": "v9"}}]}]},
    },
    "branch.yaml": {
        "apiVersion": "meshmall.dev/v1", "kind": "Branch", "metadata": {"name": "fox", "namespace": "mesh"},
        "spec": {
            "enter": [{"cookie": {"name": "user", "value": "fox"}}],
            "services": {"stock": {"fork": {"env": [{"name": "A", "value": "1"}]}}},
        },
    },
    "kustomize/kustomization.yaml": {"namespace": "mesh", "resources": ["config.yaml"]},
    "kustomize/config.yaml": {
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "from-kustomize"}, "data": {"a": "1"},
    },
}  # fmt: skip


@pytest.mark.parametrize("version", [pytest.param("the machine's", marks=pytest.mark.slow), "the wheel's"])
def test_what_people_type(version: str, mesh: Mesh, tmp_path: Path) -> None:
    program = MACHINES if version == "the machine's" else str(WHEELS) if WHEELS.exists() else None
    if program is None:
        pytest.skip(f"{version} kubectl is not there")
    assert len(STEPS) >= 60
    for name, body in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(body))
    mesh.up("--empty")
    pods, services = (r"10\.244", r"10\.96") if mesh.has_namespaces else ("127", "127")

    def kubectl(*words: str) -> tuple[int, str]:
        editor = "sed -i s/editme/edited/"
        ran = run_kubectl(program, mesh.home, *words, cwd=ROOT, HOME=str(tmp_path), KUBE_EDITOR=editor)
        return ran.code, ran.out

    pod = ""
    for command, pattern, expected in STEPS:
        if "$POD" in command and not pod:
            pod = kubectl("get", "pods", "-l", "app=mall", "-o", "jsonpath={.items[0].metadata.name}")[1]
        words = command.replace("$POD", pod).replace("$FOLDER", str(tmp_path)).split(" ")
        code, out = kubectl(*words)
        assert code == expected, f"kubectl {command}: exit code {code}\n{out}"
        filled_in = pattern.replace("$PODS", pods).replace("$SERVICES", services)
        assert re.search(filled_in, out), f"kubectl {command}: {filled_in!r} is not in\n{out}"
