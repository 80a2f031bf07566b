"""Pulling from a registry that fails, lies and breaks off: what a user reads, and that nothing is left behind."""

import base64
import json
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from mesh.images.errors import BadContent, Denied, ImageError, NotFound, TooLarge, Unreachable
from mesh.images.limits import DEFAULT_LIMITS, Limits
from mesh.images.manifest import OCI_INDEX, digest_of
from mesh.images.pull import Puller
from mesh.images.reference import Reference
from mesh.images.store import ImageRecord, ImageStore
from mesh.images.unpack.owners import FLAT
from tests.support.images import Entry, Image, archive, image, index

LIMITS = DEFAULT_LIMITS._replace(free_bytes=0)
Answer = tuple[int, dict[str, str], bytes]


class FaultyRegistry:
    """Serves images; `faults` are asked first and may answer in its place."""

    def __init__(self) -> None:
        self.documents: dict[str, tuple[str, bytes]] = {}
        self.faults: list[Callable[[str, Mapping[str, str]], Answer | None]] = []
        self.requests: list[tuple[str, dict[str, str]]] = []
        registry = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                headers = {name.lower(): value for name, value in self.headers.items()}
                registry.requests.append((self.path, headers))
                status, more, body = registry.answer(self.path, headers)
                self.send_response(status)
                for name, value in {"Content-Length": str(len(body)), **more}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)
                self.close_connection = self.close_connection or "Content-Length" in more

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.host = f"127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def add(self, image: Image, tag: str = "1") -> Reference:
        for digest, data in image.blobs.items():
            self.documents[f"/v2/a/blobs/{digest}"] = ("application/octet-stream", data)
            self.documents[f"/v2/a/manifests/{digest}"] = ("", data)
        for selector in (tag, image.digest):
            self.documents[f"/v2/a/manifests/{selector}"] = (image.media_type, image.manifest)
        return Reference.parse(f"{self.host}/a:{tag}")

    def answer(self, path: str, headers: Mapping[str, str]) -> Answer:
        for fault in self.faults:
            if (answer := fault(path, headers)) is not None:
                return answer
        if path not in self.documents:
            return 404, {}, b"{}"
        media_type, data = self.documents[path]
        first = int(headers["range"].removeprefix("bytes=").rstrip("-")) if "range" in headers else 0
        more = {"Content-Type": media_type}
        if first:
            return 206, {**more, "Content-Range": f"bytes {first}-{len(data) - 1}/{len(data)}"}, data[first:]
        return 200, more, data


@pytest.fixture
def registry() -> Iterator[FaultyRegistry]:
    server = FaultyRegistry()
    yield server
    server.close()


@pytest.fixture
def store(tmp_path: Path) -> ImageStore:
    store = ImageStore(tmp_path / "images")
    store.prepare()
    return store


@pytest.fixture(autouse=True)
def without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mesh.images.registry.client.FIRST_PAUSE", 0.001)
    monkeypatch.setattr("mesh.images.registry.blobs.FIRST_PAUSE", 0.001)


def pull(
    store: ImageStore,
    reference: Reference,
    secrets: list[str] | None = None,
    mirrors: Mapping[str, list[str]] | None = None,
    limits: Limits = LIMITS,
) -> ImageRecord:
    environ = {"HOME": str(store.path / "nobody"), "DOCKER_HOST": "unix:///nowhere"}
    return Puller(store, FLAT, limits, environ).pull(reference, mirrors or {}, secrets or [], engine_first=False)


def leftovers(store: ImageStore) -> list[str]:
    """What is on disk, locks and what can be resumed aside."""
    return sorted(
        str(path.relative_to(store.path))
        for path in store.path.rglob("*")
        if path.is_file() and path.suffix != ".lock" and path.name != "lock"
    )


def two_layers() -> Image:
    return image([archive([Entry("a", os.urandom(400_000))]), archive([Entry("b", b"b")])], {"Cmd": ["/b"]})


def secret(host: str, user: str, password: str) -> str:
    return json.dumps({"auths": {host: {"auth": base64.b64encode(f"{user}:{password}".encode()).decode()}}})


def test_an_image_is_pulled_once(registry: FaultyRegistry, store: ImageStore) -> None:
    reference = registry.add(two_layers())
    record = pull(store, reference)
    assert len(record.layers) == 2 and store.find(reference) == record
    assert store.config(record).cmd == ["/b"]
    asked = len(registry.requests)
    assert pull(store, reference).layers == record.layers
    assert not [path for path, _ in registry.requests[asked:] if "/blobs/" in path and record.config not in path]
    assert not [path for path in leftovers(store) if path.startswith(("partial", "staging"))]


@pytest.mark.parametrize("compress", ["gzip", "zstd", ""])
def test_every_compression_is_read(registry: FaultyRegistry, store: ImageStore, compress: str) -> None:
    record = pull(store, registry.add(image([archive([Entry("a", b"x")])], compress=compress)))
    assert (store.layers / record.layers[0] / "a").read_bytes() == b"x"


def test_of_an_index_this_machines_image_is_taken(registry: FaultyRegistry, store: ImageStore) -> None:
    machine = {"x86_64": "amd64", "aarch64": "arm64"}[os.uname().machine]
    right, wrong = image([archive([Entry("right")])]), image([archive([Entry("wrong")])])
    both = index({"linux/s390x": wrong, f"linux/{machine}": right, "unknown/unknown": wrong})
    record = pull(store, registry.add(both))
    assert (store.layers / record.layers[0] / "right").exists() and record.digest == both.digest


def test_no_image_for_this_machine(registry: FaultyRegistry, store: ImageStore) -> None:
    other = index({"linux/s390x": two_layers(), "windows/amd64": two_layers()})
    with pytest.raises(NotFound, match=r"no image for linux/\w+; there is one for linux/s390x, windows/amd64"):
        pull(store, registry.add(other))


def test_a_broken_line_is_resumed_where_it_broke(registry: FaultyRegistry, store: ImageStore) -> None:
    large = two_layers()
    reference = registry.add(large)
    cut: list[int] = []

    def break_off(path: str, headers: Mapping[str, str]) -> Answer | None:
        data = registry.documents.get(path, ("", b""))[1]
        if "/blobs/" in path and len(data) > 100_000 and len(cut) < 3:
            first = int(headers.get("range", "bytes=0-").removeprefix("bytes=").rstrip("-"))
            cut.append(first)
            more = {"Content-Length": str(len(data) - first), "Content-Range": f"bytes {first}-"}
            return (206 if first else 200), more, data[first : first + 90_000]
        return None

    registry.faults.append(break_off)
    pull(store, reference)
    assert cut == [0, 90_000, 180_000]


def test_a_registry_without_ranges_begins_anew(registry: FaultyRegistry, store: ImageStore) -> None:
    large = two_layers()
    reference = registry.add(large)
    digest = next(digest for digest, data in large.blobs.items() if len(data) > 100_000)
    (store.partial / digest.removeprefix("sha256:")).write_bytes(b"something else")
    registry.faults.append(lambda path, headers: (200, {}, large.blobs[digest]) if digest in path else None)
    assert pull(store, reference).layers


def gone(status: int) -> Callable[[str, Mapping[str, str]], Answer]:
    return lambda path, headers: (status, {}, b"no")


FAULTS: dict[
    str, tuple[Callable[[Image], Callable[[str, Mapping[str, str]], Answer | None]], type[ImageError], str]
] = {
    "no such image": (lambda image: gone(404), NotFound, "not found"),
    "forbidden": (lambda image: gone(403), Denied, "access is denied"),
    "an error for ever": (lambda image: gone(500), Unreachable, "HTTP 500 for manifests/1, 5 times"),
    "too many requests": (lambda image: gone(429), Unreachable, "HTTP 429"),
    "a teapot": (lambda image: gone(418), Unreachable, "HTTP 418"),
    "an error for blobs": (lambda image: only("/blobs/", 503, b""), Unreachable, "HTTP 503 for blobs"),
    "blobs are gone": (lambda image: only("/blobs/", 404, b""), NotFound, "not found"),
    "a login page": (lambda image: only("/manifests/", 200, b"<html>Log in</html>"), BadContent, "malformed"),
    "an empty manifest": (lambda image: only("/manifests/", 200, b""), BadContent, "truncated"),
    "a manifest of schema 1": (
        lambda image: only("/manifests/", 200, b'{"schemaVersion": 1, "fsLayers": []}'),
        BadContent,
        "schema 1",
    ),
    "something that is no image": (
        lambda image: only("/manifests/", 200, b'{"schemaVersion": 2, "mediaType": "application/vnd.helm"}'),
        BadContent,
        'is a "application/vnd.helm" and not a container image',
    ),
    "a manifest of 5 MB": (lambda image: only("/manifests/", 200, b" " * 5_000_000), TooLarge, "more than 4194304"),
    "a list in place of a map": (lambda image: only("/manifests/", 200, b"[]"), BadContent, "Expected `object`"),
    "deep nesting": (lambda image: only("/manifests/", 200, b"[" * 100_000), BadContent, "127.0.0.1"),
    "another digest than announced": (
        lambda image: announced(image, f"sha256:{'0' * 64}"),
        BadContent,
        "has the digest sha256:",
    ),
    "blobs of another content": (lambda image: only("/blobs/", 200, b"x" * 50), BadContent, "digest|content"),
    "blobs that never end": (lambda image: longer, BadContent, "longer than|more than|digest"),
    "an empty blob": (lambda image: only("/blobs/", 200, b""), BadContent, "its content has the digest"),
    "a digest that is a path": (lambda image: digests("../../etc/passwd"), BadContent, "is not sha256:"),
    "a digest of another kind": (lambda image: digests("md5:abc"), BadContent, "is not sha256:"),
    "a negative size": (lambda image: sizes(-1), BadContent, "is negative"),
    "a configuration of a terabyte": (lambda image: sizes(1 << 40), TooLarge, "its configuration has 1099511627776"),
    "300 layers": (lambda image: many_layers(image, 300), TooLarge, "has 300 layers; at most 127"),
    "more layers than diff_ids": (lambda image: many_layers(image, 5), BadContent, "has 5 layers, and its config"),
}


def only(part: str, status: int, body: bytes) -> Callable[[str, Mapping[str, str]], Answer | None]:
    return lambda path, headers: (status, {}, body) if part in path else None


def announced(image: Image, digest: str) -> Callable[[str, Mapping[str, str]], Answer | None]:
    return lambda path, headers: (
        (200, {"Docker-Content-Digest": digest}, image.manifest) if "/manifests/" in path else None
    )


def longer(path: str, headers: Mapping[str, str]) -> Answer | None:
    return (200, {}, b"x" * 2_000_000) if "/blobs/" in path else None


def changed(image: Image, change: Callable[[dict[str, Any]], None]) -> bytes:
    body = json.loads(image.manifest)
    change(body)
    return json.dumps(body).encode()


def digests(digest: str) -> Callable[[str, Mapping[str, str]], Answer | None]:
    data = changed(two_layers(), lambda body: body["layers"][0].update(digest=digest))
    return only("/manifests/", 200, data)


def sizes(size: int) -> Callable[[str, Mapping[str, str]], Answer | None]:
    return only("/manifests/", 200, changed(two_layers(), lambda body: body["config"].update(size=size)))


def many_layers(image: Image, number: int) -> Callable[[str, Mapping[str, str]], Answer | None]:
    return only("/manifests/", 200, changed(image, lambda body: body.update(layers=body["layers"][:1] * number)))


@pytest.mark.parametrize(("fault", "kind", "message"), FAULTS.values(), ids=FAULTS)
def test_a_fault_has_a_message_and_leaves_nothing(
    registry: FaultyRegistry, store: ImageStore, fault: Any, kind: type[ImageError], message: str
) -> None:
    small = image([archive([Entry("a", b"x" * 5000)])])
    reference = registry.add(small)
    registry.faults.append(fault(small))
    with pytest.raises(kind, match=message) as raised:
        pull(store, reference)
    assert registry.host in str(raised.value)
    assert leftovers(store) == [] and store.images() == []
    registry.faults.clear()
    assert pull(store, reference).layers, "the next attempt succeeds"


def test_a_layer_whose_archive_is_another_than_announced(registry: FaultyRegistry, store: ImageStore) -> None:
    honest = image([archive([Entry("a", b"x")])])
    manifest = json.loads(honest.manifest)
    config = json.loads(honest.blobs[manifest["config"]["digest"]])
    config["rootfs"]["diff_ids"] = [f"sha256:{'1' * 64}"]
    data = json.dumps(config).encode()
    manifest["config"].update(digest=digest_of(data), size=len(data))
    lying = Image(json.dumps(manifest).encode(), {**honest.blobs, digest_of(data): data})
    with pytest.raises(BadContent, match="its archive has the digest"):
        pull(store, registry.add(lying))
    assert leftovers(store) == []


def test_an_image_larger_than_the_bound(registry: FaultyRegistry, store: ImageStore) -> None:
    with pytest.raises(TooLarge, match="image's files have more than"):
        pull(store, registry.add(two_layers()), limits=LIMITS._replace(image_bytes=300_000))
    with pytest.raises(TooLarge, match="files have more than 100000 bytes"):
        pull(store, registry.add(two_layers()), limits=LIMITS._replace(layer_bytes=100_000))
    assert not [path for path in leftovers(store) if path.startswith("images")]


def test_nobody_answers(store: ImageStore) -> None:
    with pytest.raises(Unreachable, match=r"127\.0\.0\.1:1/a:1 at http://127\.0\.0\.1:1: .*refused"):
        pull(store, Reference.parse("127.0.0.1:1/a:1"))


def with_tokens(registry: FaultyRegistry, user: str, password: str) -> None:
    """The registry demands a token, which its token service gives to one user."""
    basic = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()

    def fault(path: str, headers: Mapping[str, str]) -> Answer | None:
        if path.startswith("/token"):
            assert "scope=repository%3Aa%3Apull" in path
            granted = headers.get("authorization") == basic
            return (200, {}, b'{"token": "t0ken"}') if granted else (401, {}, b"")
        if headers.get("authorization") != "Bearer t0ken":
            challenge = f'Bearer realm="http://{registry.host}/token",service="s",scope="repository:a:pull"'
            return 401, {"WWW-Authenticate": challenge}, b""
        return None

    registry.faults.append(fault)


def test_a_token_is_traded_for_an_image_pull_secret(registry: FaultyRegistry, store: ImageStore) -> None:
    reference = registry.add(two_layers())
    with_tokens(registry, "ann", "right")
    with pytest.raises(Denied, match=r"the token service 127\.0\.0\.1:\d+ refuses an anonymous user"):
        pull(store, reference)
    with pytest.raises(Denied, match="refuses these credentials"):
        pull(store, reference, [secret(registry.host, "ann", "wrong")])
    assert pull(store, reference, [secret(registry.host, "ann", "wrong"), secret(registry.host, "ann", "right")]).layers


def test_a_password_is_sent_to_its_own_registry_only(registry: FaultyRegistry, store: ImageStore) -> None:
    reference = registry.add(two_layers())
    with_tokens(registry, "ann", "right")
    with pytest.raises(Denied):
        pull(store, reference, [secret("other.example", "ann", "right"), secret(f"{registry.host}/b", "ann", "right")])
    assert not [headers for _, headers in registry.requests if "authorization" in headers]


def test_basic_authentication(registry: FaultyRegistry, store: ImageStore) -> None:
    reference = registry.add(two_layers())
    right = "Basic " + base64.b64encode(b"ann:right").decode()
    challenge = {"WWW-Authenticate": 'Basic realm="r"'}
    registry.faults.append(
        lambda path, headers: None if headers.get("authorization") == right else (401, challenge, b"")
    )
    with pytest.raises(Denied, match="wants a user and a password"):
        pull(store, reference)
    assert pull(store, reference, [secret(registry.host, "ann", "right")]).layers


def test_a_mirror_is_asked_first_and_the_registry_after_it(registry: FaultyRegistry, store: ImageStore) -> None:
    local = registry.add(two_layers())
    far = Reference.parse(f"registry.invalid/a:{local.tag}")
    record = pull(store, far, mirrors={"*": [f"http://{registry.host}"]})
    assert record.reference == str(far)
    registry.faults.append(gone(404))
    with pytest.raises(Unreachable, match=r"registry\.invalid/a:1 at https://registry\.invalid"):
        pull(store, far, mirrors={"registry.invalid": [f"http://{registry.host}"]})


def test_an_index_that_names_itself(registry: FaultyRegistry, store: ImageStore) -> None:
    reference = registry.add(two_layers())
    machine = {"x86_64": "amd64", "aarch64": "arm64"}[os.uname().machine]

    def endless(path: str, headers: Mapping[str, str]) -> Answer | None:
        if "/manifests/" not in path:
            return None
        platform = {"os": "linux", "architecture": machine}
        entry = {"digest": f"sha256:{'a' * 64}", "size": 1, "platform": platform}
        body = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [entry]}
        return 200, {}, json.dumps(body).encode()

    registry.faults.append(endless)
    with pytest.raises(BadContent, match="digest"):
        pull(store, reference)
