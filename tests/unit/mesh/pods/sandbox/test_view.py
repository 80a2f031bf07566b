"""How a container's file system is put together, over machines of a few folders."""

from typing import cast

import pytest

from mesh.pods.sandbox.spec import Mount
from mesh.pods.sandbox.view import Kind, Plan, Step, ViewError

Tree = dict[str, "Tree | str | None"]  # a folder; where a link points; a file


class Files:
    """A machine's files: nested dictionaries."""

    def __init__(self, tree: Tree, closed: tuple[str, ...] = ()) -> None:
        self._tree = tree
        self._closed = closed

    def _at(self, path: str) -> "Tree | str | None":
        node: Tree | str | None = self._tree
        for part in path.split("/"):
            if part:
                node = cast(Tree, node)[part]
        return node

    def kind(self, path: str) -> Kind | None:
        try:
            node = self._at(path)
        except (KeyError, TypeError):
            return None
        return "folder" if isinstance(node, dict) else "link" if isinstance(node, str) else "file"

    def link(self, path: str) -> str:
        return cast(str, self._at(path))

    def entries(self, folder: str) -> list[tuple[str, Kind]]:
        return [(name, self.kind(f"{folder}/{name}") or "file") for name in cast(Tree, self._at(folder))]

    def mode(self, folder: str) -> int:
        return 0o750

    def closed(self, folder: str) -> bool:
        return folder in self._closed


MACHINE: Tree = {
    "bin": "usr/bin",
    "usr": {"bin": {"app": None}, "share": {"doc": {}}},
    "etc": {"passwd": None, "resolv.conf": "../run/systemd/resolv.conf", "app": {"old": None}},
    "var": {"run": "/run"},
    "root": {".pyenv": {"python": None}, ".ssh": {"key": None}, "work": {"run": None}},
    "tmp": {"project": {"server": None}, "other": {}, "venv": {"python": "/root/.pyenv/python"}},
    "run": {"systemd": {"resolv.conf": None}},
    "volume": {"colour": None, "deep": {}},
}


def steps(plan: Plan) -> list[str]:
    return [" ".join(str(part) for part in (step.action, step.target, step.source) if part) for step in plan.steps()]


def plan(*mounts: Mount, closed: tuple[str, ...] = ()) -> Plan:
    result = Plan(Files(MACHINE, closed))
    result.private("/run", "run")
    result.private("/tmp", "tmp", carries=True)
    for mount in mounts:
        result.put(mount)
    return result


def below(prefix: str, lines: list[str]) -> list[str]:
    return [line for line in lines if line.split()[1] == prefix or line.split()[1].startswith(prefix + "/")]


def test_the_root_shows_the_machines_entries() -> None:
    assert steps(plan()) == [
        *("link /bin usr/bin", "folder /usr", "bind /usr /usr", "folder /etc", "bind /etc /etc"),
        *(
            "folder /var",
            "bind /var /var",
            "folder /root",
            "bind /root /root",
            "folder /volume",
            "bind /volume /volume",
        ),
        *("folder /run", "run /run", "folder /tmp", "tmp /tmp"),
    ]


def test_a_mount_over_an_existing_folder_needs_nothing_else() -> None:
    assert below("/etc", steps(plan(Mount("/etc/app", "/volume")))) == [
        *("folder /etc", "bind /etc /etc", "bind /etc/app /volume")
    ]


def test_the_deepest_existing_folder_is_replaced_by_one_that_shows_its_entries() -> None:
    assert below("/etc", steps(plan(Mount("/etc/app/conf.d/x", "/volume", read_only=True)))) == [
        *("folder /etc", "bind /etc /etc", "tmpfs /etc/app", "file /etc/app/old", "bind /etc/app/old /etc/app/old"),
        *("folder /etc/app/conf.d", "folder /etc/app/conf.d/x", "bind /etc/app/conf.d/x /volume"),
        "read-only /etc/app/conf.d/x",
    ]
    replaced = next(step for step in plan(Mount("/etc/app/conf.d", "/volume")).steps() if step.action == "tmpfs")
    assert replaced == Step("tmpfs", "/etc/app", mode=0o750)


def test_a_missing_folder_of_the_root_is_made_in_the_root() -> None:
    assert below("/data", steps(plan(Mount("/data/a/b", "/volume")))) == [
        *("folder /data", "folder /data/a", "folder /data/a/b", "bind /data/a/b /volume")
    ]


def test_links_on_the_way_are_followed_as_inside() -> None:
    lines = steps(plan(Mount("/var/run/secrets/x", "/volume"), Mount("/etc/resolv.conf", "/volume/colour")))
    assert below("/run", lines) == [
        *("folder /run", "run /run", "folder /run/secrets", "folder /run/secrets/x", "bind /run/secrets/x /volume"),
        *("folder /run/systemd", "file /run/systemd/resolv.conf", "bind /run/systemd/resolv.conf /volume/colour"),
    ]
    assert below("/etc", lines) == ["folder /etc", "bind /etc /etc"]


def test_a_mount_inside_a_mount_is_made_in_its_volume_before_that_becomes_read_only() -> None:
    mounts = (Mount("/data", "/volume", read_only=True), Mount("/data/deep", "/usr"), Mount("/data/new", "/usr"))
    assert below("/data", steps(plan(*mounts))) == [
        *("folder /data", "bind /data /volume", "bind /data/deep /usr", "folder /data/new", "bind /data/new /usr"),
        "read-only /data",
    ]


def test_a_file_where_the_machine_has_a_folder_and_the_other_way_round() -> None:
    assert "file /usr/bin" in steps(plan(Mount("/usr/bin", "/volume/colour")))
    assert "folder /etc/passwd" in steps(plan(Mount("/etc/passwd", "/volume")))


def test_what_a_program_needs_is_carried_into_the_private_tmp() -> None:
    result = plan()
    result.reach("/tmp/project/server")
    result.reach("/tmp/no-such")
    result.reach("/tmp")
    assert below("/tmp", steps(result)) == [
        *("folder /tmp", "tmp /tmp", "folder /tmp/project", "bind /tmp/project /tmp/project")
    ]


def test_a_closed_folder_shows_only_what_is_needed_in_it_and_links_lead_there() -> None:
    result = plan(closed=("/root",))
    result.reach("/tmp/venv/python")
    lines = steps(result)
    assert below("/tmp", lines) == ["folder /tmp", "tmp /tmp", "folder /tmp/venv", "bind /tmp/venv /tmp/venv"]
    assert below("/root", lines) == ["folder /root", "folder /root/.pyenv", "bind /root/.pyenv /root/.pyenv"]


def test_a_closed_working_folder_is_entered_and_shows_all_its_entries() -> None:
    result = plan(closed=("/root", "/tmp/project"))
    result.reach("/tmp/project/server")
    result.open("/tmp/project")
    lines = below("/tmp", steps(result))
    assert lines[:3] == ["folder /tmp", "tmp /tmp", "folder /tmp/project"]
    assert "bind /tmp/project/server /tmp/project/server" in lines
    assert "bind /tmp/project /tmp/project" not in lines
    result = plan()
    result.open("/tmp/project")
    assert "bind /tmp/project /tmp/project" in steps(result)


def test_nothing_of_run_is_carried_in() -> None:
    result = plan()
    result.reach("/var/run/systemd/resolv.conf")
    assert below("/run", steps(result)) == ["folder /run", "run /run"]


def test_hidden_folders_are_covered_and_volumes_in_them_are_seen() -> None:
    result = plan()
    result.reach("/root/.ssh/key")
    for path in ("/root/.ssh", "/root/work", "/etc/passwd", "/no/such", "/tmp/other"):
        result.hide(path)
    result.put(Mount("/root/work/run", "/volume"))
    lines = steps(result)
    assert below("/root", lines) == [
        *("folder /root", "bind /root /root", "tmpfs /root/.ssh", "tmpfs /root/work"),
        *("folder /root/work/run", "bind /root/work/run /volume"),
    ]
    assert below("/etc/passwd", lines) == ["bind /etc/passwd /dev/null"]
    assert below("/tmp", lines) == ["folder /tmp", "tmp /tmp"]


def test_the_root_cannot_be_a_mount_path_and_circles_of_links_end() -> None:
    with pytest.raises(ViewError, match='mountPath "/": the root itself'):
        plan(Mount("/", "/volume"))
    circle = Plan(Files({"a": "b", "b": "/a"}))
    circle.reach("/a/x")
    with pytest.raises(ViewError, match='mountPath "/a/x": too many symbolic links'):
        circle.put(Mount("/a/x", "/volume"))
