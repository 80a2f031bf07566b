"""Names of images, as Docker's and Kubernetes' users write them.

Source: github.com/distribution/reference (reference.go, normalize.go). `nginx` is docker.io/library/nginx:latest.
"""

import re
from typing import NamedTuple, Self

from mesh.images.errors import BadReference

DOCKER_HUB = "docker.io"
DOCKER_HUB_HOST = "registry-1.docker.io"
LONGEST_NAME = 255
_HOST = re.compile(
    r"(?:(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])"
    r"(?:\.(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9]))*|\[[a-fA-F0-9:]+\])(?::[0-9]{1,5})?"
)
_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_REPOSITORY = re.compile(rf"{_COMPONENT}(?:/{_COMPONENT})*")
_TAG = re.compile(r"[a-zA-Z0-9_][a-zA-Z0-9_.-]{0,127}")
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


class Reference(NamedTuple):
    """An image in a registry. `tag` is "" only when there is a digest; with both the digest counts."""

    registry: str
    repository: str
    tag: str = ""
    digest: str = ""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Reads a name such as `redis:7`, `localhost:5000/a/b@sha256:...`. Raises BadReference."""
        rest, at, digest = text.partition("@")
        if at and not DIGEST.fullmatch(digest):
            raise BadReference(f'image "{text}": "{digest}" is not a digest such as sha256: and 64 hexadecimal digits')
        head, colon, tag = rest.rpartition(":")
        if colon and "/" not in tag:
            rest = head
        else:
            tag = ""
        first, slash, path = rest.partition("/")
        if slash and ("." in first or ":" in first or first == "localhost" or first.lower() != first):
            registry = first
        else:
            registry, path = DOCKER_HUB, rest
        if registry == "index.docker.io":
            registry = DOCKER_HUB
        if registry == DOCKER_HUB and "/" not in path:
            path = f"library/{path}"
        name = f"{registry}/{path}"
        if not _HOST.fullmatch(registry) or not _REPOSITORY.fullmatch(path) or len(name) > LONGEST_NAME:
            raise BadReference(
                f'image "{text}": is not [HOST[:PORT]/]NAME[:TAG][@DIGEST] in lower case, at most '
                f"{LONGEST_NAME} characters"
            )
        if (colon and "/" not in text.partition("@")[0].rpartition(":")[2]) and not _TAG.fullmatch(tag):
            raise BadReference(f'image "{text}": "{tag}" is not a tag: letters, digits, "_", "." and "-", at most 128')
        if not tag and not digest:
            tag = "latest"
        return cls(registry, path, tag, digest)

    @property
    def name(self) -> str:
        """Registry and repository."""
        return f"{self.registry}/{self.repository}"

    @property
    def selector(self) -> str:
        """What the registry is asked for: the digest, or the tag."""
        return self.digest or self.tag

    def __str__(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        return f"{self.name}{tag}{f'@{self.digest}' if self.digest else ''}"
