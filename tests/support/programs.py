"""Programs of a test's own as Deployments and Services, and how a whole mesh gets them."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from tests.support.mesh import Mesh


def deployment(name: str, command: Sequence[str], port: int, version: str = "v1", **environment: str) -> dict[str, Any]:
    labels = {"app": name, "version": version}
    container = {
        "name": name,
        "image": name,
        "command": list(command),
        "ports": [{"containerPort": port}],
        "env": [
            {"name": "POD_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
            *({"name": key, "value": value} for key, value in environment.items()),
        ],
        "readinessProbe": {"tcpSocket": {"port": port}, "periodSeconds": 1},
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": f"{name}-{version}", "namespace": "mesh"},
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
        },
    }


def service(name: str, port: int, port_name: str, **more: Any) -> dict[str, Any]:
    ports = [{"name": port_name, "port": port, **more}]
    metadata = {"name": name, "namespace": "mesh"}
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": metadata,
        "spec": {"selector": {"app": name}, "ports": ports},
    }


NAMESPACE = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "mesh"}}


def apply(mesh: Mesh, *bodies: Mapping[str, Any]) -> None:
    mesh.ok("apply", "--wait", "-f", "-", stdin=yaml.safe_dump_all(bodies))


def address(mesh: Mesh, name: str) -> str:
    return str(json.loads(mesh.ok("get", "service", name, "-o", "json"))["spec"]["clusterIP"])


# A gRPC server that says which version it is, and what it was asked.
GREETER = """
import os
from concurrent import futures
import grpc

def hello(request, context):
    return os.environ["SAYS"].encode() + b" " + request

methods = {"Hello": grpc.unary_unary_rpc_method_handler(hello)}
server = grpc.server(futures.ThreadPoolExecutor(2))
server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("shop.Greeter", methods),))
server.add_insecure_port(os.environ["POD_IP"] + ":9000")
server.start()
server.wait_for_termination()
"""
