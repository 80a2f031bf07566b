"""Programs to manifests that the mesh takes, and an images.yaml."""

from pathlib import Path

from mesh.resources.validation.manifest import validate
from meshmall.init.output import front, images, manifests
from meshmall.init.program import Port, Program, Project, Volume


def project(tmp_path: Path) -> Project:
    web = Program("web", "shop/web:1.0", ["node", "a.js"], tmp_path / "web", ports=[Port(3000, 8080)], env={"A": "1"})
    admin = Program("admin", "shop/admin:1.0", ["node", "b.js"], Path("/elsewhere"), ports=[Port(3000, 9000)])
    db = Program("db", "postgres:16", ports=[Port(5432, 5432)], secrets={"PASSWORD": "x"}, user=70, grace=5)
    db.volumes = [Volume("/data", "data"), Volume("/conf", source=Path("/etc"), read_only=True), Volume("/tmp")]
    return Project("shop", [admin, web, db])


def test_every_object_is_one_that_the_mesh_takes(tmp_path: Path) -> None:
    bodies = manifests(project(tmp_path))
    for body in bodies:
        validate(body, "mesh")
    assert [f"{body['kind']}/{body['metadata']['name']}" for body in bodies] == [
        "PersistentVolumeClaim/data",
        "Service/admin",
        "Deployment/admin",
        "Service/web",
        "Deployment/web",
        "Secret/db-env",
        "Service/db",
        "Deployment/db",
        "Gateway/shop",
        "HTTPRoute/web-http",
        "HTTPRoute/admin-9000",
    ]


def test_the_outside_gets_in_where_it_did(tmp_path: Path) -> None:
    made = project(tmp_path)
    first = front(made)
    assert first is not None and first.name == "web"
    gateway = next(body for body in manifests(made) if body["kind"] == "Gateway")
    # 8080 is the gateway's own port; a database is none of an HTTP gateway's.
    assert [(item["name"], item["port"]) for item in gateway["spec"]["listeners"]] == [
        ("http", 80),
        ("admin-9000", 9000),
    ]
    assert front(Project("shop", [Program("worker", "w")])) is None


def test_images_have_folders_relative_to_the_file_where_they_can(tmp_path: Path) -> None:
    assert images(project(tmp_path), tmp_path / "mesh") == {
        "images": [
            {"image": "shop/admin:1.0", "command": ["node", "b.js"], "workingDir": "/elsewhere"},
            {"image": "shop/web:1.0", "command": ["node", "a.js"], "workingDir": "../web"},
        ]
    }
