"""What a client needs to authenticate, in files of the home that only their owner can read.

`pki/` has the certificates, `token` the bearer token, `kubeconfig` both together with the address, for kubectl, and
`run/api.json` the address for our own client.
"""

import base64
import datetime
import json
import secrets
from dataclasses import dataclass
from pathlib import Path

from mesh.api.transport.private import write_private

RENEW_BEFORE = datetime.timedelta(days=30)
TOKEN_BYTES = 32


@dataclass(frozen=True, slots=True)
class Credentials:
    """Paths of the certificates, and the token. Either the token or the client's certificate is enough."""

    authority: Path
    certificate: Path
    key: Path
    client_certificate: Path
    client_key: Path
    token: str


def prepare(home: Path, host: str, now: datetime.datetime | None = None) -> Credentials:
    """The credentials of a home; created when missing, the certificates also renewed 30 days before they expire.

    Raises OSError when the home cannot be written.
    """
    now = now or datetime.datetime.now(datetime.UTC)
    folder = home / "pki"
    credentials = Credentials(
        folder / "ca.crt",
        folder / "server.crt",
        folder / "server.key",
        folder / "client.crt",
        folder / "client.key",
        _token(home / "token"),
    )
    files = (
        credentials.authority,
        credentials.certificate,
        credentials.key,
        credentials.client_certificate,
        credentials.client_key,
    )
    if _valid_until(folder / "ends.json", host) - RENEW_BEFORE < now or not all(map(Path.exists, files)):
        from mesh.api.transport import pki  # noqa: PLC0415 - takes 80 ms, and is needed once a year

        # All of them together: the authority's key is discarded, so nothing can be signed by it later.
        ends = pki.make(folder, host, now)
        write_private(folder / "ends.json", json.dumps({"host": host, "ends": ends.isoformat()}).encode())
    return credentials


def publish(home: Path, credentials: Credentials, url: str, namespace: str) -> None:
    """Writes kubeconfig and run/api.json, which say how to reach the server."""
    write_private(home / "kubeconfig", _kubeconfig(credentials, url, namespace).encode())
    write_private(home / "run" / "api.json", json.dumps({"server": url}).encode())


def _token(path: Path) -> str:
    try:
        token = path.read_text().strip()
    except OSError:
        token = ""
    # A file that was cut short, by a full disk for example, is no token: a short one could be guessed.
    if len(token) < TOKEN_BYTES:
        token = secrets.token_urlsafe(TOKEN_BYTES)
        write_private(path, token.encode())
    # The file may be a copy, restored with other rights.
    path.chmod(0o600)
    return token


def _valid_until(path: Path, host: str) -> datetime.datetime:
    try:
        body = json.loads(path.read_text())
        if body["host"] == host:
            return datetime.datetime.fromisoformat(body["ends"])
    except (OSError, ValueError, KeyError, TypeError):
        pass
    return datetime.datetime.min.replace(tzinfo=datetime.UTC) + RENEW_BEFORE


def _kubeconfig(credentials: Credentials, url: str, namespace: str) -> str:
    authority, certificate, key = (
        base64.b64encode(path.read_bytes()).decode()
        for path in (credentials.authority, credentials.client_certificate, credentials.client_key)
    )
    return f"""\
apiVersion: v1
kind: Config
current-context: mesh-mall
clusters:
- name: mesh-mall
  cluster:
    server: {url}
    certificate-authority-data: {authority}
contexts:
- name: mesh-mall
  context:
    cluster: mesh-mall
    user: mesh-mall
    namespace: {namespace}
users:
- name: mesh-mall
  user:
    token: {credentials.token}
    client-certificate-data: {certificate}
    client-key-data: {key}
"""
