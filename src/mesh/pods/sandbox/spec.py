"""What the daemon asks the agent to start, and what the agent reports: plain values that travel as JSON.

Named tuples and not structs of msgspec: the agent does without that module's 4 MB.
"""

from typing import Any, Literal, NamedTuple


class Mount(NamedTuple):
    """One entry of a container's file system beyond the machine's own.

    `target` is the path inside. A "bind" shows the folder or file `source` of the machine there; a "tmpfs" is an empty
    file system in memory with `mode`, and `size` bytes at most (0: no limit of its own).
    """

    target: str
    source: str = ""
    kind: Literal["bind", "tmpfs"] = "bind"
    read_only: bool = False
    size: int = 0
    mode: int = 0o1777


class ImageRoot(NamedTuple):
    """The file system of a container that runs from an image.

    layers: folders below `folder`, the lowest first.
    writable: a folder of the machine for what the container changes; its two folders are made by whoever starts it.
    copied: whether `writable` has a copy of all layers, because overlayfs is not allowed here.
    user: "name", "uid", "uid:gid" as in an image's configuration; "" is root. Names are looked up in the image.
    volumes: paths that stay writable with a read-only root (the image's VOLUMEs).
    """

    folder: str
    layers: tuple[str, ...]
    writable: str
    copied: bool = False
    user: str = ""
    volumes: tuple[str, ...] = ()


class ProcessSpec(NamedTuple):
    """A process to start.

    argv: the program is looked up on the PATH of `env`, inside the container's file system.
    env: the whole environment.
    pod: uid of a pod whose network exists. "" runs in the mesh's own namespaces instead, as Envoy does; then
        hostname, mounts, hidden, needed and join have no meaning.
    name: free text that comes back in lists and exits, for example "<container>/<restart>".
    mounts: in the order in which they are made; a later one may lie inside an earlier one.
    hidden: folders and files of the machine that appear empty. Only `mounts` are visible in them, `needed` is not.
    needed: paths of the machine that the program must be able to reach although /tmp is private and folders such as
        /root are closed to its user. See `needed_paths`; the program itself need not be named.
    uid, gid, groups: None keeps the agent's, which a mesh that runs as root refuses. As an ordinary user the agent
        can give only its own, and uid 0.
    root_uid, root_gid: what stands on the machine behind uid 0 (default: the agent's own id): a process of uid 0 runs
        in a user namespace of its own and is never the machine's root.
    capabilities: names ("NET_BIND_SERVICE") of the bounding set; for uid 0 also the effective set.
        With pod "" they are ambient: the process has them whatever its uid.
    tty: the process gets a terminal of its own; the reply carries its master side. The descriptors for stdio are
        ignored then.
    rows, columns: the terminal's first size.
    join: pid of a running container whose namespaces the command shares (exec, probes, hooks); the user and the
        capabilities come from this spec.
    share_processes: pid of a container whose PID namespace this one shares (shareProcessNamespace).
    image: the container's file system is not the machine's but an image's; `hidden`, `needed`, `uid` and `root_uid`
        have no meaning then, and `gid` and `groups` come on top of what the image says.
    read_only_root: only what `mounts` shows, and only where that is not read-only, can be written to.
    """

    argv: tuple[str, ...]
    env: dict[str, str]
    cwd: str = "/"
    pod: str = ""
    name: str = ""
    hostname: str = ""
    mounts: tuple[Mount, ...] = ()
    hidden: tuple[str, ...] = ()
    needed: tuple[str, ...] = ()
    uid: int | None = None
    gid: int | None = None
    groups: tuple[int, ...] = ()
    root_uid: int | None = None
    root_gid: int | None = None
    capabilities: tuple[str, ...] = ()
    tty: bool = False
    rows: int = 24
    columns: int = 80
    join: int = 0
    share_processes: int = 0
    read_only_root: bool = False
    image: ImageRoot | None = None


class PodNetwork(NamedTuple):
    """A pod's network that exists. `path` is its namespace, as Envoy names it."""

    uid: str
    name: str
    address: str
    path: str


class LiveProcess(NamedTuple):
    """A process that runs. `key` is "<pid>-<start time>": unlike the pid it is never given twice."""

    key: str
    pid: int
    pod: str
    name: str
    joined: int


class ProcessExit(NamedTuple):
    """A process that ended: exit code, 128 + number when a signal ended it, and that signal or 0.

    code is -1 when nobody can say (the process outlived its agent, and the kernel is older than 6.15).
    """

    key: str
    pid: int
    pod: str
    name: str
    code: int
    signal: int


def spec_to_json(spec: ProcessSpec) -> dict[str, Any]:
    image = spec.image._asdict() if spec.image is not None else None
    return spec._asdict() | {"mounts": [mount._asdict() for mount in spec.mounts], "image": image}


def spec_from_json(body: dict[str, Any]) -> ProcessSpec:
    """The inverse of `spec_to_json`. Raises TypeError for unknown fields."""
    names = ("argv", "hidden", "needed", "groups", "capabilities")
    lists: dict[str, Any] = {name: tuple(body[name]) for name in names if name in body}
    mounts = tuple(Mount(**mount) for mount in body.get("mounts", ()))
    image = body.get("image")
    root = None
    if image is not None:
        root = ImageRoot(**{**image, "layers": tuple(image["layers"]), "volumes": tuple(image["volumes"])})
    return ProcessSpec(**{**body, **lists, "mounts": mounts, "image": root})
