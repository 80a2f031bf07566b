"""Container images for tests: built from bytes and from programs of this machine, served by a registry."""

import gzip
import hashlib
import io
import json
import os
import shutil
import socket
import subprocess
import tarfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from mesh.images.manifest import OCI_INDEX, OCI_MANIFEST, digest_of, this_platform
from mesh.images.unpack import zstandard

LAYER = "application/vnd.oci.image.layer.v1.tar"
CONFIG = "application/vnd.oci.image.config.v1+json"


@dataclass(frozen=True)
class Entry:
    """An entry of a layer's archive; `kind` is tarfile's type."""

    name: str
    content: bytes = b""
    kind: bytes = tarfile.REGTYPE
    target: str = ""
    mode: int = 0o644
    uid: int = 0
    gid: int = 0
    pax: Mapping[str, str] = field(default_factory=dict)


def folder(name: str, mode: int = 0o755, **more: Any) -> Entry:
    return Entry(name, kind=tarfile.DIRTYPE, mode=mode, **more)


def link(name: str, target: str) -> Entry:
    return Entry(name, kind=tarfile.SYMTYPE, target=target, mode=0o777)


def hard_link(name: str, target: str) -> Entry:
    return Entry(name, kind=tarfile.LNKTYPE, target=target)


def archive(entries: Iterable[Entry]) -> bytes:
    """A tar archive."""
    output = io.BytesIO()
    with tarfile.open(fileobj=output, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for entry in entries:
            info = tarfile.TarInfo(entry.name)
            info.type, info.linkname, info.mode = entry.kind, entry.target, entry.mode
            info.uid, info.gid, info.size, info.mtime = entry.uid, entry.gid, len(entry.content), 1_700_000_000
            info.pax_headers = dict(entry.pax)
            tar.addfile(info, io.BytesIO(entry.content))
    return output.getvalue()


@dataclass(frozen=True)
class Image:
    """An image as documents: blobs by digest, and the manifest (or index) itself."""

    manifest: bytes
    blobs: Mapping[str, bytes]
    media_type: str = OCI_MANIFEST

    @property
    def digest(self) -> str:
        return digest_of(self.manifest)


def image(layers: Sequence[bytes], config: Mapping[str, Any] | None = None, *, compress: str = "gzip") -> Image:
    """An image of tar archives; `config` is its run configuration (Env, Cmd, ...)."""
    blobs: dict[str, bytes] = {}
    descriptors = []
    for layer in layers:
        blob = compressed(layer, compress)
        blobs[digest_of(blob)] = blob
        suffix = {"gzip": "+gzip", "zstd": "+zstd", "": ""}[compress]
        descriptors.append({"mediaType": LAYER + suffix, "digest": digest_of(blob), "size": len(blob)})
    document = {
        "architecture": this_platform().architecture,
        "os": "linux",
        "config": dict(config or {}),
        "rootfs": {"type": "layers", "diff_ids": [digest_of(layer) for layer in layers]},
    }
    text = json.dumps(document).encode()
    blobs[digest_of(text)] = text
    manifest = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": {"mediaType": CONFIG, "digest": digest_of(text), "size": len(text)},
        "layers": descriptors,
    }
    return Image(json.dumps(manifest).encode(), blobs)


def compressed(data: bytes, how: str) -> bytes:
    if how == "gzip":
        return gzip.compress(data, 1, mtime=0)
    if how == "zstd":
        return zstandard.compress(data)
    return data


def index(images: Mapping[str, Image]) -> Image:
    """An index of images by platform ("linux/amd64"); their own manifests are among its blobs."""
    entries, blobs = [], {}
    for platform, member in images.items():
        system, _, architecture = platform.partition("/")
        blobs[member.digest] = member.manifest
        blobs.update(member.blobs)
        entries.append(
            {
                "mediaType": OCI_MANIFEST,
                "digest": member.digest,
                "size": len(member.manifest),
                "platform": {"os": system, "architecture": architecture},
            }
        )
    document = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries}
    return Image(json.dumps(document).encode(), blobs, OCI_INDEX)


def write_layout(image: Image, target: Path, name: str = "") -> Path:
    """Writes an OCI layout."""
    blobs = target / "blobs" / "sha256"
    blobs.mkdir(parents=True)
    for digest, data in {**image.blobs, image.digest: image.manifest}.items():
        (blobs / digest.removeprefix("sha256:")).write_bytes(data)
    entry: dict[str, Any] = {"mediaType": image.media_type, "digest": image.digest, "size": len(image.manifest)}
    if name:
        entry["annotations"] = {"org.opencontainers.image.ref.name": name}
    (target / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    (target / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [entry]}))
    return target


def docker_archive(layers: Sequence[bytes], names: Sequence[str], config: Mapping[str, Any] | None = None) -> bytes:
    """What `docker save` of an engine before version 25 writes."""
    text = json.dumps(
        {
            "architecture": this_platform().architecture,
            "os": "linux",
            "config": dict(config or {}),
            "rootfs": {"type": "layers", "diff_ids": [digest_of(layer) for layer in layers]},
        }
    ).encode()
    files = {f"{hashlib.sha256(text).hexdigest()}.json": text}
    files |= {f"{number}/layer.tar": layer for number, layer in enumerate(layers)}
    listed = [{"Config": next(iter(files)), "RepoTags": list(names), "Layers": list(files)[1:]}]
    files["manifest.json"] = json.dumps(listed).encode()
    return archive(Entry(name, data) for name, data in files.items())


def tree_of_programs(*programs: str, files: Mapping[str, bytes] | None = None, more: Iterable[Path] = ()) -> bytes:
    """A layer with programs of this machine and the libraries that they load, at the paths that they have here.

    `files` are written on top; `more` are files and folders that are taken along as they are.
    """
    paths: dict[str, None] = {}
    for program in programs:
        located = shutil.which(program) or program
        for path in (located, os.path.realpath(located)):
            paths[path] = None
        paths |= dict.fromkeys(libraries(os.path.realpath(located)))
    for extra in more:
        paths |= dict.fromkeys(str(path) for path in ([*extra.rglob("*")] if extra.is_dir() else [extra]))
        if extra.is_dir():
            for module in extra.rglob("*.so*"):
                paths |= dict.fromkeys(libraries(str(module)))
    output = io.BytesIO()
    with tarfile.open(fileobj=output, mode="w") as tar:
        for name in ("bin", "sbin", "lib", "lib64"):
            # As on Debian since version 12.
            info = tarfile.TarInfo(name)
            info.type, info.linkname = tarfile.SYMTYPE, f"usr/{name}"
            tar.addfile(info)
        for name in ("tmp", "etc", "usr", "usr/bin", "usr/sbin", "usr/lib", "usr/lib64", "root", "var", "run", "data"):
            info = tarfile.TarInfo(name)
            info.type, info.mode = tarfile.DIRTYPE, 0o1777 if name == "tmp" else 0o755
            tar.addfile(info)
        for path in paths:
            if "__pycache__" in path or not os.path.lexists(path):
                continue
            name = _merged(path)
            info = tar.gettarinfo(path, name)
            info.uid = info.gid = 0
            info.uname = info.gname = ""
            if info.isreg():
                info.type = tarfile.REGTYPE
                info.size = Path(path).stat().st_size
                with Path(path).open("rb") as stream:
                    tar.addfile(info, stream)
            else:
                tar.addfile(info)
        for name, data in (files or {}).items():
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(data), 0o755
            tar.addfile(info, io.BytesIO(data))
    return output.getvalue()


def _merged(path: str) -> str:
    """A path below /usr, where /lib and /bin are links to on a machine with merged folders."""
    for name in ("/bin/", "/sbin/", "/lib/", "/lib64/"):
        if path.startswith(name):
            return f"usr{path}"
    return path.removeprefix("/")


def libraries(program: str) -> list[str]:
    """The shared libraries that a program loads, with the names by which it asks for them."""
    answer = subprocess.run(["ldd", program], capture_output=True, text=True, check=False)
    words = [word for line in answer.stdout.splitlines() for word in line.split() if word.startswith("/")]
    return [path for word in words for path in (word, os.path.realpath(word))]


SHELL_TOOLS = (
    "/bin/sh",
    "cat",
    "ls",
    "id",
    "sleep",
    "echo",
    "touch",
    "mkdir",
    "rm",
    "env",
    "ps",
    "chown",
    "stat",
    "tar",
)
ACCOUNTS = {
    "etc/passwd": b"root:x:0:0:root:/root:/bin/sh\napp:x:1000:1000::/home/app:/bin/sh\n"
    b"nobody:x:65534:65534::/nonexistent:/bin/false\n",
    "etc/group": b"root:x:0:\napp:x:1000:\nextra:x:3000:app\nnogroup:x:65534:\n",
}


def shell_layer(**files: bytes) -> bytes:
    """A small root file system: a shell, a few commands, two accounts."""
    return tree_of_programs(*SHELL_TOOLS, files={**ACCOUNTS, **files})


def python_layer(files: Mapping[str, bytes] | None = None) -> bytes:
    """A root file system with the system's Python and its library."""
    version = "3.{}".format(next(n for n in range(20, 8, -1) if Path(f"/usr/bin/python3.{n}").exists()))
    library = Path(f"/usr/lib/python{version}")
    return tree_of_programs(
        *SHELL_TOOLS,
        f"/usr/bin/python{version}",
        "/usr/bin/python3",
        files={**ACCOUNTS, **(files or {})},
        more=[path for path in library.iterdir() if path.name not in ("test", "dist-packages", "idlelib", "tkinter")],
    )


class Registry:
    """Debian's docker-registry, or none: see `serve`."""

    def __init__(self, port: int) -> None:
        self.host = f"localhost:{port}"

    def push(self, image: Image, name: str, tag: str = "latest") -> str:
        """Stores an image; returns its reference."""
        for digest, data in image.blobs.items():
            if json_manifest(data):
                self._put_manifest(data, name, digest)
            else:
                self._put_blob(data, name, digest)
        self._put_manifest(image.manifest, name, tag, image.media_type)
        return f"{self.host}/{name}:{tag}"

    def _put_manifest(self, data: bytes, name: str, tag: str, media_type: str = OCI_MANIFEST) -> None:
        _ask("PUT", f"http://{self.host}/v2/{name}/manifests/{tag}", data, {"Content-Type": media_type})

    def _put_blob(self, data: bytes, name: str, digest: str) -> None:
        place = _ask("POST", f"http://{self.host}/v2/{name}/blobs/uploads/", b"", {})["location"]
        url = place if place.startswith("http") else f"http://{self.host}{place}"
        headers = {"Content-Type": "application/octet-stream"}
        _ask("PUT", f"{url}{'&' if '?' in url else '?'}digest={digest}", data, headers)


def json_manifest(data: bytes) -> bool:
    return data.startswith(b'{"schemaVersion"')


def _ask(method: str, url: str, data: bytes, headers: Mapping[str, str]) -> dict[str, str]:
    request = Request(url, data=data, headers=dict(headers), method=method)
    with urlopen(request, timeout=60) as response:
        response.read()
        return {name.lower(): value for name, value in response.headers.items()}


def registry_program() -> str | None:
    return shutil.which("docker-registry")


@contextmanager
def serve(place: Path) -> Iterator[Registry]:
    """Runs docker-registry, whose content is in `place`."""
    program = registry_program()
    assert program is not None
    with socket.create_server(("localhost", 0)) as probe:
        port = probe.getsockname()[1]
    settings = place / "config.yml"
    place.mkdir(parents=True, exist_ok=True)
    settings.write_text(
        f"version: 0.1\nlog: {{level: error, accesslog: {{disabled: true}}}}\n"
        f"storage: {{filesystem: {{rootdirectory: {place / 'content'}}}}}\nhttp: {{addr: 'localhost:{port}'}}\n"
    )
    with (place / "log").open("wb") as log:
        process = subprocess.Popen([program, "serve", str(settings)], stdout=log, stderr=log)
    try:
        _await_registry(port, process, place / "log")
        yield Registry(port)
    finally:
        process.kill()
        process.wait()


def _await_registry(port: int, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        try:
            urlopen(f"http://localhost:{port}/v2/", timeout=5).close()
        except HTTPError:
            return
        except (URLError, OSError):
            time.sleep(0.02)
        else:
            return
    raise RuntimeError(f"docker-registry does not answer: {log.read_text()[-2000:]}")
