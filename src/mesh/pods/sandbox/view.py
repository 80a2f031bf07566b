"""A container's file system as a list of steps: a pure function over the machine's folders.

The root is a new, empty file system in memory. It shows the machine's own folders, except where something else is
asked for: a volume, a private /tmp, an empty cover over what pods must not see. A path that the machine does not have
can only be added to a folder of our own, so its deepest existing folder is replaced: by an empty one that shows each
of the original's entries.
"""

from typing import Literal, NamedTuple, Protocol

from mesh.pods.sandbox.spec import Mount

Kind = Literal["folder", "file", "link"]
Action = Literal["tmpfs", "folder", "file", "link", "bind", "read-only", "proc", "sysfs", "dev", "run", "tmp"]
MOST_LINKS = 40


class Machine(Protocol):
    """The machine's file system, as a plan needs it. Paths are absolute and not followed through links."""

    def kind(self, path: str) -> Kind | None:
        """None when there is nothing; sockets and devices count as files."""

    def link(self, path: str) -> str: ...

    def entries(self, folder: str) -> list[tuple[str, Kind]]: ...

    def mode(self, folder: str) -> int: ...

    def closed(self, folder: str) -> bool:
        """Whether the container's user may not enter it."""


class Step(NamedTuple):
    """One step, in order. Folders and files are made where they are missing. `target` is a path inside."""

    action: Action
    target: str
    source: str = ""  # of a bind: the path on the machine; of a link: where it points
    mode: int = 0o755
    size: int = 0


class ViewError(Exception):
    """A mount that cannot be made; the message names it."""


class _Node:
    """A path inside that differs from the machine's, or lies above one that does."""

    def __init__(self) -> None:
        self.children: dict[str, _Node] = {}
        self.content: Mount | Action | None = None
        self.carries = False  # although it has a content of its own, paths of the machine may be shown in it
        self.from_machine = False  # one of those paths
        self.restricted = False  # shows nothing but `children`
        self.opened = False  # a closed folder of the machine that shows all its entries, whoever the user is


class Plan:
    """Gathers what differs from the machine; `steps` says how to get there.

    Call `private` first, then `reach`, `hide` and `put`: each may cover what came before.
    """

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._root = _Node()

    def private(self, path: str, content: Action, *, carries: bool = False) -> None:
        """Gives the container its own /proc, /tmp, ...; with `carries` paths that it needs are shown in there."""
        self._put(path, content).carries = carries

    def put(self, mount: Mount) -> None:
        """Shows a volume at its target. A link on the way is followed, as inside a container. Raises ViewError."""
        self._put(mount.target, mount)

    def hide(self, path: str) -> None:
        """Covers a folder by an empty one, a file by an empty one. Does nothing when it is not visible anyway."""
        parts = self._resolve(path)
        source = self._source(parts)
        kind = None if source is None else self._machine.kind(source)
        if kind == "folder":
            self._put(path, Mount(path, kind="tmpfs", mode=0o755))
        elif kind == "file":
            self._put(path, Mount(path, "/dev/null"))

    def reach(self, path: str) -> None:
        """Makes a path of the machine reachable: through private folders, and through closed ones on its way.

        What becomes visible is the entry below such a folder, with all that it contains: of /tmp/project/bin/server
        /tmp/project. Links are followed, and where they lead is made reachable, too.
        """
        self._reach(path, opened=False)

    def open(self, folder: str) -> None:
        """Makes a folder reachable, and lets the user enter it: its entries are shown, with the rights they have.

        For a working folder: people keep projects in folders that only they may enter, such as `mktemp -d`'s.
        """
        self._reach(folder, opened=True)

    def _reach(self, path: str, *, opened: bool) -> None:
        for _ in range(MOST_LINKS):
            following = self._reach_to_link(_parts(path), opened=opened)
            if following is None:
                return
            path = following

    def _reach_to_link(self, parts: list[str], *, opened: bool) -> str | None:
        """Opens the way to a path, or to the first link on it; returns what that link makes of the path."""
        node, parent = self._root, ""
        for depth, part in enumerate(parts):
            at = f"{parent}/{part}"
            kind = self._machine.kind(at)
            if kind is None or (node.content is not None and not node.carries):
                return None
            node.restricted |= self._machine.closed(parent or "/")
            carries, node = node.carries, node.children.setdefault(part, _Node())
            node.from_machine |= carries
            if kind == "link":
                target = self._machine.link(at)
                rest = "/".join(parts[depth + 1 :])
                return f"{target}/{rest}" if target.startswith("/") else f"{parent}/{target}/{rest}"
            parent = at
        node.opened |= opened and self._machine.kind(parent or "/") == "folder" and self._machine.closed(parent or "/")
        return None

    def _put(self, path: str, content: Mount | Action) -> _Node:
        node = self._root
        for part in self._resolve(path):
            node = node.children.setdefault(part, _Node())
        if node is self._root:
            raise ViewError(f'mountPath "{path}": the root itself cannot be replaced')
        node.content, node.children, node.restricted, node.carries = content, {}, False, False
        node.opened = False
        return node

    def steps(self) -> list[Step]:
        """The steps, for a root that is an empty folder."""
        writer = _StepWriter(self._machine)
        writer.replace(self._root, "", "/")
        return writer.steps

    def _resolve(self, path: str) -> list[str]:
        """The parts of a path inside, with links followed as they will be seen there."""
        pending, resolved, links = _parts(path), list[str](), 0
        while pending:
            part = pending.pop(0)
            source = self._source([*resolved, part])
            if source is None or self._machine.kind(source) != "link":
                resolved.append(part)
                continue
            links += 1
            if links > MOST_LINKS:
                raise ViewError(f'mountPath "{path}": too many symbolic links')
            target = self._machine.link(source)
            pending = _parts(target if target.startswith("/") else "/".join([*resolved, target])) + pending
            resolved = []
        return resolved

    def _source(self, parts: list[str]) -> str | None:
        """Where on the machine a path inside comes from; None when it is not the machine's."""
        node: _Node | None = self._root
        source: str | None = ""
        for depth, part in enumerate(parts):
            node = node.children.get(part) if node is not None else None
            source = None if source is None else f"{source}/{part}"
            if node is not None and node.content is not None:
                source = _bound(node.content)
            elif node is not None and node.from_machine:
                source = "/" + "/".join(parts[: depth + 1])
        return source


class _StepWriter:
    """Writes the steps for a tree of nodes, from the root down.

    A mount needs something to be put over, and the machine's own folders must not be changed. So a folder that lacks an
    entry becomes a tmpfs with binds of all its entries; everything else stays one bind, which costs least.
    """

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self.steps: list[Step] = []

    def _differs(self, node: _Node, source: str | None) -> bool:
        """Whether a folder has to be replaced, because something in it cannot be put over what is there."""
        if source is None or node.restricted or node.opened:
            return True
        return any(
            self._machine.kind(f"{source.rstrip('/')}/{name}") != self._shape(child, f"{source.rstrip('/')}/{name}")
            for name, child in node.children.items()
        )

    def _shape(self, node: _Node, source: str | None) -> Kind | None:
        """What a node needs to be put over: a folder or a file."""
        if (bound := _bound(node.content)) is not None:
            return "folder" if self._followed(bound) == "folder" else "file"
        if node.content is not None or node.children:
            return "folder"
        return self._machine.kind(source) if source is not None else "folder"

    def _followed(self, path: str) -> Kind | None:
        for _ in range(MOST_LINKS):
            kind = self._machine.kind(path)
            if kind != "link":
                return kind
            target = self._machine.link(path)
            path = target if target.startswith("/") else f"{path.rpartition('/')[0]}/{target}"
        return None

    def _over(self, node: _Node, target: str, source: str | None) -> None:
        """Puts a node over what is at `target` already: `source`, or an empty folder of our own."""
        if node.content is not None:
            self._content(node, target)
        elif (node.children or node.opened) and self._differs(node, source):
            self.steps.append(Step("tmpfs", target, mode=self._mode(source, node)))
            self.replace(node, target, source)
        else:
            for name, child in node.children.items():
                self._over(child, f"{target}/{name}", f"{source}/{name}")

    def _content(self, node: _Node, target: str) -> None:
        content = node.content
        if isinstance(content, Mount):
            if content.kind == "bind":
                self.steps.append(Step("bind", target, content.source))
            else:
                self.steps.append(Step("tmpfs", target, mode=content.mode, size=content.size))
        elif content is not None:
            self.steps.append(Step(content, target))
        bound = _bound(content)
        for name, child in node.children.items():
            at = f"{target}/{name}"
            if child.from_machine:
                self._new(child, at, at)
            elif bound is not None and self._machine.kind(f"{bound}/{name}"):
                self._over(child, at, f"{bound}/{name}")
            else:
                self._new(child, at, None)
        if isinstance(content, Mount) and content.read_only:
            self.steps.append(Step("read-only", target))  # last: the places of inner mounts have been made by now

    def replace(self, node: _Node, target: str, source: str | None) -> None:
        """Fills the empty folder `target` with the entries of `source` and the node's children."""
        shows_entries = node.opened or not node.restricted
        entries = self._machine.entries(source or "/") if source is not None and shows_entries else []
        for name, kind in entries:
            if name not in node.children:
                self._show(kind, f"{target}/{name}", f"{(source or '').rstrip('/')}/{name}")
        for name, child in node.children.items():
            at = f"{target}/{name}"
            origin = None if source is None else f"{source.rstrip('/')}/{name}"
            self._new(child, at, origin if origin and self._machine.kind(origin) else None)

    def _new(self, node: _Node, target: str, source: str | None) -> None:
        """Makes a node at a place that is empty, in a folder of our own."""
        shape = self._shape(node, source)
        if node.content is not None:
            self.steps.append(Step("folder" if shape == "folder" else "file", target))
            self._content(node, target)
        elif not node.children and not node.opened and source is not None:
            self._show(self._machine.kind(source) or "file", target, source)
        elif self._differs(node, source):
            self.steps.append(Step("folder", target, mode=self._mode(source, node)))
            self.replace(node, target, source)
        else:
            self._show("folder", target, source or "")
            self._over(node, target, source)

    def _show(self, kind: Kind, target: str, source: str) -> None:
        if kind == "link":
            self.steps.append(Step("link", target, self._machine.link(source)))
        else:
            self.steps.append(Step(kind, target))
            self.steps.append(Step("bind", target, source))

    def _mode(self, source: str | None, node: _Node) -> int:
        return 0o755 if source is None or node.restricted or node.opened else self._machine.mode(source)


def _parts(path: str) -> list[str]:
    """The parts of an absolute path, with "." and ".." taken out."""
    parts: list[str] = []
    for part in path.split("/"):
        if part == "..":
            del parts[-1:]
        elif part and part != ".":
            parts.append(part)
    return parts


def _bound(content: Mount | Action | None) -> str | None:
    """The path on the machine that a content shows."""
    return content.source if isinstance(content, Mount) and content.kind == "bind" else None
