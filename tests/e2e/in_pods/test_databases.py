"""Databases as StatefulSets with claims: their data survives the pods and the mesh."""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.support.mesh import Mesh, meshes
from tests.support.pod_programs import PodPrograms

CLAIM = {
    "metadata": {"name": "data"},
    "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
}


def program(name: str) -> str:
    """The path of a program, also where Debian puts PostgreSQL's."""
    places = [os.environ["PATH"], *map(str, sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True))]
    path = shutil.which(name, path=os.pathsep.join(places))
    if path is None:
        pytest.skip(f"{name} is not installed")
    return path


def database(name: str, port: int, command: Sequence[str], probe: Sequence[str]) -> list[dict[str, Any]]:
    """A headless Service, and a StatefulSet whose pod has the claim `data` at /data."""
    container = {
        "name": "main",
        "command": list(command),
        "ports": [{"name": f"tcp-{name}", "containerPort": port}],
        "readinessProbe": {"exec": {"command": list(probe)}, "timeoutSeconds": 30},
        "volumeMounts": [{"name": "data", "mountPath": "/data"}],
    }
    labels = {"app": name}
    metadata = {"name": name, "namespace": "mesh"}
    port_of_service = {"name": f"tcp-{name}", "port": port}
    service = {"clusterIP": "None", "selector": labels, "ports": [port_of_service]}
    stateful_set = {
        "serviceName": name,
        "selector": {"matchLabels": labels},
        "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
        "volumeClaimTemplates": [CLAIM],
    }
    return [
        {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": service},
        {"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": metadata, "spec": stateful_set},
    ]


def redis() -> list[dict[str, Any]]:
    server = [program("redis-server"), "--dir", "/data", "--appendonly", "yes", "--protected-mode", "no"]
    return database("redis", 6379, server, [program("redis-cli"), "ping"])


def postgresql() -> list[dict[str, Any]]:
    initialise = f"{program('initdb')} --pgdata=/data/db --username=app --auth=trust"
    serve = f"exec {program('postgres')} -D /data/db -k /data -c listen_addresses='*'"
    script = f"test -s /data/db/PG_VERSION || {initialise}; {serve}"
    ready = [program("pg_isready"), "--host=/data", "--username=app"]
    return database("postgresql", 5432, ["sh", "-c", script], ready)


def test_redis_and_postgresql_keep_their_data_across_down_and_up(running: Mesh) -> None:
    objects = [*redis(), *postgresql()]
    cli, psql = program("redis-cli"), program("psql")
    sql = [psql, "--host=/data", "--username=app", "--dbname=postgres", "--no-psqlrc", "--tuples-only", "--no-align"]

    def wait(programs: PodPrograms) -> None:
        for name in ("redis", "postgresql"):
            programs.ok("rollout", "status", f"statefulset/{name}", "--timeout=55s")

    with meshes() as make:
        mesh = make()
        mesh.up("--network", "namespaces", "--empty")
        with PodPrograms(mesh) as programs:
            programs.kubectl("create", "namespace", "mesh")
            programs.apply(*objects)
            wait(programs)
            # Asked by name, from another pod: a headless Service has the pods' names.
            from_afar = ["exec", "postgresql-0", "--", cli, "-h", "redis-0.redis"]
            assert programs.ok(*from_afar, "set", "colour", "blue") == "OK\n"
            table = "create table orders (number int); insert into orders values (7)"
            programs.ok("exec", "postgresql-0", "--", *sql, "--quiet", "--command", table)
            mesh.ok("down")
            mesh.up("--network", "namespaces", "--empty")
            wait(programs)
            assert programs.ok("exec", "redis-0", "--", cli, "get", "colour") == "blue\n"
            query = ["--command", "select number from orders"]
            assert programs.ok("exec", "postgresql-0", "--", *sql, *query) == "7\n"
            # A pod that is replaced finds them, too.
            programs.ok("delete", "pod", "redis-0", "postgresql-0")
            wait(programs)
            assert programs.ok("exec", "redis-0", "--", cli, "get", "colour") == "blue\n"
            assert programs.ok("exec", "postgresql-0", "--", *sql, *query) == "7\n"
            claims = programs.ok("get", "persistentvolumeclaims", "-o", "jsonpath={.items[*].status.phase}")
            assert claims == "Bound Bound"
