"""What folders of code say about how they are run."""

import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest

from meshmall.init.code import add_folder, command_of, is_code, port_of
from meshmall.init.program import Port, Project


def write(folder: Path, files: Mapping[str, str]) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"package.json": '{"scripts": {"start": "node dist/main.js"}}'}, ["node", "dist/main.js"]),
        ({"package.json": '{"scripts": {"start": "next start && echo"}}'}, ["npm", "start"]),
        ({"package.json": '{"main": "app.js"}'}, ["node", "app.js"]),
        ({"package.json": "{}", "server.js": ""}, ["node", "server.js"]),
        ({"go.mod": "module x", "main.go": ""}, ["go", "run", "."]),
        ({"go.mod": "module x", "cmd/server/main.go": ""}, ["go", "run", "./cmd/server"]),
        (
            {"pyproject.toml": '[project.scripts]\nshop = "shop.web:main"\n'},
            ["python3", "-c", "from shop.web import main; main()"],
        ),
        ({"manage.py": ""}, ["python3", "manage.py", "runserver", "0.0.0.0:8000"]),
        ({"pyproject.toml": "[project]\n", "app.py": ""}, ["python3", "app.py"]),
    ],
)
def test_each_ecosystem_says_it_in_its_own_way(tmp_path: Path, files: Mapping[str, str], words: list[str]) -> None:
    found = command_of(write(tmp_path, files))
    assert (found.words if found is not None else None, is_code(tmp_path)) == (words, True)


def test_nothing_is_made_up(tmp_path: Path) -> None:
    assert (command_of(tmp_path), is_code(tmp_path), port_of(tmp_path)) == (None, False, None)


@pytest.mark.parametrize(
    ("name", "line", "port"),
    [
        ("server.js", "app.listen(3000)", 3000),
        ("server.js", "server.listen({ port: 3001 })", 3001),
        ("server.js", "const port = process.env.PORT || 4000;", 4000),
        ("main.py", 'ThreadingHTTPServer(("0.0.0.0", 8080), Handler)', 8080),
        ("main.py", 'port=int(os.environ.get("PORT", 5001))', 5001),
        ("main.go", 'http.ListenAndServe(":9090", nil)', 9090),
    ],
)
def test_the_port_is_where_the_code_listens(tmp_path: Path, name: str, line: str, port: int) -> None:
    assert port_of(write(tmp_path, {name: f"\n{line}\n"})) == (port, f"{name}:2")


def test_a_procfile_has_several_programs(tmp_path: Path) -> None:
    project = Project("shop")
    add_folder(
        project, write(tmp_path, {"Procfile": "web: gunicorn app --bind 0.0.0.0:$PORT\nworker: rq worker\n"}), "x"
    )
    web, worker = project.programs
    assert (web.name, web.ports, web.env) == ("web", [Port(5000, 5000)], {"PORT": "5000"})
    assert web.words == ["sh", "-c", "exec gunicorn app --bind 0.0.0.0:$PORT"]
    assert (worker.name, worker.ports) == ("worker", [])


def test_what_a_dockerfile_builds_is_run_from_its_source(tmp_path: Path) -> None:
    dockerfile = 'FROM golang AS b\nRUN go build -o /srv ./...\nFROM scratch\nCOPY --from=b /srv /srv\nCMD ["/srv"]\n'
    project = Project("shop")
    add_folder(project, write(tmp_path, {"Dockerfile": dockerfile, "go.mod": "", "main.go": 'Serve(":8081")'}), "Api")
    (program,) = project.programs
    assert (program.name, program.image, program.words) == ("api", "shop/api:1.0", ["go", "run", "."])
    assert any("/srv is built in the image; here runs instead (go.mod): go run ." in note for note in project.notes)


def test_a_program_that_is_not_installed_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None if name == "node" else f"/usr/bin/{name}")
    project = Project("shop")
    add_folder(project, write(tmp_path, {"package.json": '{"main": "a.js"}'}), "web")
    assert "web: node is not on your PATH; install it, or change images.yaml" in project.notes
    assert "web: no port was found; without one no Service leads to it" in project.notes
