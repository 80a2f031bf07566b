"""A compose file to programs, and what of it is said to have no counterpart."""

import shutil
from pathlib import Path

import pytest

from meshmall.init.compose import read_compose
from meshmall.init.program import CannotInit, Port, Program, Project, Volume

FILE = """
name: shop
services:
  web:
    build: .
    command: node server.js --port 3000
    ports: ["8080:3000", "127.0.0.1:9229:9229", "6000-6001:6000", "53:53/udp"]
    environment: {API: "http://my_api:8000", DEBUG: true, EMPTY: null, LEVEL: "${LEVEL:-info}", PRICE: "5$$"}
    volumes: [".:/app", "./data:/data:ro", "cache:/cache", "/scratch"]
    tmpfs: /run
    extra_hosts: ["a.example:10.0.0.1", "host:host-gateway"]
    stop_grace_period: 1m30s
    depends_on: [my_api]
    gpus: all
  my_api:
    image: team/api:2
    entrypoint: ["python", "main.py"]
    command: ["--fast"]
    env_file: [api.env, {path: missing.env, required: false}]
    user: "1000:1000"
    deploy: {replicas: 3, placement: {}}
    healthcheck: {test: "curl -f http://localhost:8000/healthz || exit 1", interval: 500ms, retries: 4}
  db:
    image: postgres:16
    ports: ["5432:5432"]
    healthcheck: {test: ["CMD", "pg_isready", "-U", "x"], timeout: 3s}
volumes: {cache: {}}
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.delenv("LEVEL", raising=False)
    (tmp_path / "compose.yaml").write_text(FILE)
    (tmp_path / "api.env").write_text("# keys\nexport TOKEN='a b'\nHOST=db # where\n")
    (tmp_path / "server.js").write_text("")
    return read_compose(tmp_path / "compose.yaml")


def program(project: Project, name: str) -> Program:
    return next(program for program in project.programs if program.name == name)


def test_a_service_becomes_a_program(project: Project, tmp_path: Path) -> None:
    web = program(project, "web")
    assert (web.image, web.words, web.folder) == (
        "shop/web:1.0",
        ["node", "server.js", "--port", "3000"],
        tmp_path.resolve(),
    )
    assert web.env == {"API": "http://my_api:8000", "DEBUG": "true", "EMPTY": "", "LEVEL": "info", "PRICE": "5$"}
    assert web.ports == [Port(3000, 8080), Port(9229, 9229)]
    assert web.volumes == [
        Volume("/data", source=(tmp_path / "data").resolve(), read_only=True),
        Volume("/cache", "cache"),
        Volume("/scratch"),
        Volume("/run"),
    ]
    assert (web.aliases, web.grace) == ({"a.example": "10.0.0.1"}, 90)


def test_images_commands_files_and_checks(project: Project) -> None:
    api = program(project, "my-api")
    assert (api.image, api.words, api.replicas, api.user) == ("team/api:2", ["python", "main.py", "--fast"], 3, 1000)
    assert api.secrets == {"TOKEN": "a b", "HOST": "db"}
    assert api.probe == {"httpGet": {"path": "/healthz", "port": 8000}, "periodSeconds": 1, "failureThreshold": 4}
    assert api.ports == [Port(8000)]
    db = program(project, "db")
    assert db.probe == {"exec": {"command": ["pg_isready", "-U", "x"]}, "timeoutSeconds": 3}
    assert (db.words, db.ports) == ([], [Port(5432, 5432)])


def test_what_has_no_counterpart_is_said_with_the_field(project: Project) -> None:
    notes = "\n".join(project.notes)
    for text in (
        "services.web.ports: 6000-6001:6000: not translated",
        "services.web.ports: 53:53/udp: not translated",
        "services.web.volumes: .:/app: the program runs in that folder itself",
        "services.web.extra_hosts: host: this machine is host.meshmall.internal here",
        "services.web.gpus: not translated",
        "services.web.depends_on: my_api: all start at once",
        'services.my_api: is called "my-api" here',
        "services.my_api.deploy.placement: not translated",
        "services.db.image: postgres:16 has no program here",
        "services.db.ports: 5432 speaks no HTTP; from this machine: kubectl port-forward service/db 5432:5432",
    ):
        assert text in notes


def test_a_port_of_the_image_is_doubtful_for_another_command(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM x\nEXPOSE 8000\nCMD python3 web.py\n")
    services = "web: {build: .}, worker: {build: ., command: sleep 9}, jobs: {build: ., command: x, expose: [8000]}"
    (tmp_path / "compose.yaml").write_text(f"services: {{{services}}}")
    project = read_compose(tmp_path / "compose.yaml")
    assert [program.doubtful for program in project.programs] == [set(), {8000}, set()]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("services: {}", "services: is missing"),
        ("a: [", "while parsing"),
        ("services: {web: 3}", "services.web: 3 is not a service"),
    ],
)
def test_what_is_no_compose_file_says_why(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "compose.yaml").write_text(text)
    with pytest.raises(CannotInit) as error:
        read_compose(tmp_path / "compose.yaml")
    assert message in error.value.message
