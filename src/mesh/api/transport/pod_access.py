"""How pods get in: a token for each, signed with the mesh's own, and the authority's certificate.

A pod's token names the pod; the server checks the signature, so that nothing has to be kept about it. It ends with the
mesh's token, from which its key is derived.
"""

import base64
import binascii
import hashlib
import hmac
from pathlib import Path

PREFIX = "pod"
# Longer than any namespace, name and uid together; what is longer is not looked at.
LONGEST = 1_024


def pod_token(secret: str, namespace: str, name: str, uid: str) -> str:
    """The token of one pod."""
    subject = base64.urlsafe_b64encode(f"{namespace}/{name}/{uid}".encode()).decode().rstrip("=")
    return f"{PREFIX}.{subject}.{_signature(secret, subject)}"


def pod_of(token: str, secret: str) -> tuple[str, str, str] | None:
    """Namespace, name and uid of the pod that a token was made for; None for any other text."""
    parts = token.split(".") if len(token) <= LONGEST else []
    if len(parts) != 3 or parts[0] != PREFIX:
        return None
    if not hmac.compare_digest(parts[2].encode("latin-1", "replace"), _signature(secret, parts[1]).encode()):
        return None
    try:
        text = base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None
    namespace, name, uid = text.split("/")
    return namespace, name, uid


def access_files(secret: str, authority: Path, namespace: str, name: str, uid: str) -> dict[str, bytes]:
    """The files of /var/run/secrets/kubernetes.io/serviceaccount. Raises OSError without a certificate."""
    return {
        "token": pod_token(secret, namespace, name, uid).encode(),
        "ca.crt": authority.read_bytes(),
        "namespace": namespace.encode(),
    }


def _signature(secret: str, subject: str) -> str:
    key = hashlib.sha256(f"pods of {secret}".encode()).digest()
    return hmac.new(key, subject.encode("latin-1", "replace"), hashlib.sha256).hexdigest()
