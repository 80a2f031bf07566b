"""Programs in pods that use the mesh's API as they use a cluster's: address, token and certificate from the pod."""

import json
import sys

from mesh.pods.volumes import TOKEN_FOLDER
from tests.support.pod_programs import KUBECTL, PodPrograms

CLIENT = """
import sys
from kubernetes import client, config, watch
config.load_incluster_config()
api = client.CoreV1Api()
print("host", client.Configuration.get_default_copy().host)
print("pods", sorted({(pod.metadata.labels or {}).get("app", "") for pod in api.list_namespaced_pod("mesh").items}))
for event in watch.Watch().stream(api.list_namespaced_config_map, "mesh", timeout_seconds=50):
    if event["object"].metadata.name == "signal":
        print("saw", event["type"], event["object"].data, flush=True)
        if event["object"].data["colour"] == "red":
            break
    else:
        print("watching", flush=True)
api.patch_namespaced_config_map("signal", "mesh", {"data": {"answer": "seen"}})
"""
LOOK = """
import ssl, urllib.request
context = ssl.create_default_context(cafile="/var/run/secrets/kubernetes.io/serviceaccount/ca.crt")
for host in ("kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local"):
    print(urllib.request.urlopen(f"https://{host}/version", context=context).status)
"""


def config_map(name: str, **data: str) -> dict[str, object]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


def test_the_python_client_lists_watches_and_writes(programs: PodPrograms) -> None:
    programs.apply(config_map("first"), config_map("signal", colour="blue"))
    programs.start("client", [sys.executable, "-u", "-c", CLIENT])
    programs.until_log("client", "blue")
    programs.ok("patch", "configmap", "signal", "--type=merge", "-p", '{"data":{"colour":"red"}}')
    lines = programs.output("client").splitlines()
    assert lines[0] == "host https://10.96.0.1:443"
    assert "'mall', 'products'" in lines[1]
    assert any(line.startswith("saw MODIFIED") and "red" in line for line in lines)
    assert json.loads(programs.ok("get", "configmap", "signal", "-o", "json"))["data"]["answer"] == "seen"


def test_kubectl_in_a_pod_needs_no_kubeconfig(programs: PodPrograms) -> None:
    text = programs.run("kubectl", [KUBECTL, "get", "deployments", "-o", "name"])
    assert "deployment.apps/mall-v1" in text


def test_the_api_has_its_name_and_its_service(programs: PodPrograms) -> None:
    assert programs.run("name", [sys.executable, "-c", LOOK]) == "200\n200\n200\n"
    service = json.loads(programs.ok("get", "service", "kubernetes", "-n", "default", "-o", "json"))
    assert service["spec"]["clusterIP"] == "10.96.0.1"
    assert service["spec"]["ports"][0]["port"] == 443
    environment = programs.run("environment", ["env"])
    assert "KUBERNETES_SERVICE_HOST=10.96.0.1\n" in environment
    assert "KUBERNETES_SERVICE_PORT=443\n" in environment


def test_a_pod_or_its_account_can_do_without_a_token(programs: PodPrograms) -> None:
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "plain"}}
    programs.apply({**account, "automountServiceAccountToken": False})
    look = ["sh", "-c", f"ls {TOKEN_FOLDER} 2>/dev/null || echo none"]
    assert programs.run("with", look) == "ca.crt\nnamespace\ntoken\n"
    assert programs.run("without", look, automountServiceAccountToken=False) == "none\n"
    assert programs.run("account", look, serviceAccountName="plain") == "none\n"
