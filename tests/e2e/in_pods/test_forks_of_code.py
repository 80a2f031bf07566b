"""A fork that runs the code of another folder: the same program, from a git worktree."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.mesh import Ran
from tests.support.pod_programs import PodPrograms
from tests.support.waiting import until

# A module of its own, in src as most projects have it, and a script that imports it.
PYTHON = """
import http.server
import words
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers(); self.wfile.write(words.WORD.encode())
    def log_message(self, *_): pass
http.server.ThreadingHTTPServer(("", 8080), Handler).serve_forever()
"""
NODE = """
const word = require('./word');
require('http').createServer((_, response) => response.end(word + require('punctuation'))).listen(8080);
"""


def git(folder: Path, *words: str) -> None:
    identity = ("-c", "user.name=a", "-c", "user.email=a@example.org")
    subprocess.run(["git", *identity, *words], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    root = (tmp_path / "repo").resolve()
    (root / "src").mkdir(parents=True)
    (root / "node").mkdir()
    (root / "serve.py").write_text(PYTHON)
    (root / "src" / "words.py").write_text("WORD = 'main'\n")
    (root / "node" / "serve.js").write_text(NODE)
    (root / "node" / "word.js").write_text("module.exports = 'main';\n")
    (root / ".gitignore").write_text("node_modules\n")
    git(root, "init", "-q", "-b", "main")
    git(root, "add", ".")
    git(root, "commit", "-q", "-m", "first")
    (root / "node" / "node_modules" / "punctuation").mkdir(parents=True)
    (root / "node" / "node_modules" / "punctuation" / "index.js").write_text("module.exports = '!';\n")
    git(root, "worktree", "add", "-q", "-b", "feature/word", str(root.parent / "tree"))
    return root


@pytest.fixture
def tree(repository: Path) -> Path:
    """The worktree, in which both programs say something else."""
    tree = repository.parent / "tree"
    (tree / "src" / "words.py").write_text("WORD = 'tree'\n")
    (tree / "node" / "word.js").write_text("module.exports = 'tree';\n")
    return tree


def service(name: str, **container: Any) -> list[dict[str, Any]]:
    labels = {"app": name}
    main = {"name": name, "image": f"example.org/{name}:1", "ports": [{"containerPort": 8080}], **container}
    main["readinessProbe"] = {"tcpSocket": {"port": 8080}, "periodSeconds": 1}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [main], "terminationGracePeriodSeconds": 1}}
    return [
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": name},
            "spec": {"selector": {"matchLabels": labels}, "template": template},
        },
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": name},
            "spec": {"selector": labels, "ports": [{"port": 80, "targetPort": 8080}]},
        },
    ]


@pytest.fixture
def ask(programs: PodPrograms) -> Callable[[str, str], str]:
    """What a service answers to a pod of the mesh, in a branch or in none."""

    def ask(name: str, branch: str = "") -> str:
        script = (
            "import sys, urllib.request as u; print(u.urlopen(u.Request(f'http://{sys.argv[1]}/', "
            "headers={'baggage': f'branch={sys.argv[2]}'} if sys.argv[2] else {}), timeout=5).read().decode())"
        )
        ran = programs.kubectl("exec", "deployment/mall-v1", "--", sys.executable, "-c", script, name, branch)
        return ran.out.strip()

    return ask


@pytest.fixture
def create(programs: PodPrograms) -> Iterator[Callable[..., Ran]]:
    """`meshmall branch create`, in a folder; the branches are deleted at the end."""
    names: list[str] = []

    def create(folder: Path, name: str, *words: str) -> Ran:
        names.append(name)
        ended = subprocess.run(
            [sys.executable, "-m", "meshmall", "branch", "create", *words],
            cwd=folder,
            env={**os.environ, "MESHMALL_HOME": str(programs.mesh.home), "COLUMNS": "300"},
            capture_output=True,
            text=True,
            timeout=90,
            check=False,
        )
        assert ended.returncode == 0, ended.stdout + ended.stderr
        return Ran(ended.returncode, ended.stdout, ended.stderr)

    yield create
    for name in names:
        programs.mesh.run("branch", "delete", name)


def test_from_git_runs_the_worktrees_code(
    programs: PodPrograms,
    repository: Path,
    tree: Path,
    ask: Callable[..., str],
    create: Callable[..., Ran],
) -> None:
    """A command in the manifest, with the script's whole path; its module comes from the worktree's src."""
    environment = [{"name": "PYTHONPATH", "value": str(repository / "src")}]
    command = [sys.executable, str(repository / "serve.py")]
    programs.apply(*service("words", command=command, env=environment, workingDir=str(repository)))
    programs.ok("rollout", "status", "deployment/words", "--timeout=60s")
    assert ask("words") == "main"
    ran = create(tree, "feature-word", "--from-git", "--fork", "words")
    assert f"words runs the code in {tree}" in ran.out
    until(lambda: ask("words", "feature-word") == "tree", what=lambda: ask("words", "feature-word"))
    assert ask("words") == "main"
    rendered = programs.mesh.run("branch", "render", "feature-word")
    assert f"spec.services[words].fork.workingDir: {tree} is a folder of this machine" in rendered.err
    deployment = next(body for body in yaml.safe_load_all(rendered.out) if body["kind"] == "Deployment")
    assert str(tree) not in str(deployment)


@pytest.mark.skipif(shutil.which("node") is None, reason="no node on this machine")
def test_a_program_of_images_yaml_runs_in_the_forks_folder(
    programs: PodPrograms, repository: Path, tree: Path, ask: Callable[..., str], create: Callable[..., Ran]
) -> None:
    """Its modules are those that are installed for the baseline: a worktree has none."""
    images = [
        {"image": "example.org/spoken:*", "command": ["node", "serve.js"], "workingDir": str(repository / "node")}
    ]
    (programs.mesh.home / "images.yaml").write_text(yaml.safe_dump({"images": images}))
    try:
        programs.apply(*service("spoken"))
        programs.ok("rollout", "status", "deployment/spoken", "--timeout=60s")
        assert ask("spoken") == "main!"
        create(repository, "by-dir", "by-dir", "--fork", "spoken", "--dir", str(tree / "node"))
        until(lambda: ask("spoken", "by-dir") == "tree!", what=lambda: ask("spoken", "by-dir"))
        create(tree, "feature-word", "--from-git", "--fork", "spoken")
        until(lambda: ask("spoken", "feature-word") == "tree!", what=lambda: ask("spoken", "feature-word"))
        assert ask("spoken") == "main!"
    finally:
        (programs.mesh.home / "images.yaml").unlink()
