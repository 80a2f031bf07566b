"""What one request got, in the parts that are compared: status, workload, path, authority, headers, location, body."""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from tests.conformance.rig import CASE, Observed

Json = dict[str, Any]
# What Envoy and HTTP add by themselves; `server` is "istio-envoy" there, and the pod's here.
IGNORED = frozenset(
    {
        *("server", "date", "host", "content-length", "content-type", "transfer-encoding", "connection", "location"),
        *("x-request-id", "x-pod-body", "x-branch", "baggage", CASE),
    }
)
IGNORED_PREFIXES = ("x-envoy-", "x-forwarded-")
# The wording of an error is nobody's rule.
OWN_WORDS = re.compile(
    r"no healthy upstream.*|no Service is named .*|mesh-mall: .*|upstream connect error.*"
    r"|fault filter abort|RBAC: access denied|Jwt .*",
    re.DOTALL,
)
# 80 and 443 are served at these ports here.
REAL_PORTS = {":8080": ":80", ":8443": ":443"}


@dataclass(frozen=True, slots=True)
class Answer:
    """`sent` are the headers at the pod, `answered` those of the response."""

    status: int
    pod: str = ""
    path: str = ""
    authority: str = ""
    location: str = ""
    body: str = ""
    sent: Mapping[str, str] = field(default_factory=dict)
    answered: Mapping[str, str] = field(default_factory=dict)

    def recorded(self) -> Json:
        return {name: value for name, value in asdict(self).items() if value}


def answer_of(observed: Observed) -> Answer:
    body = "" if observed.pod or OWN_WORDS.fullmatch(observed.body) else observed.body
    return Answer(
        status=observed.status,
        pod=observed.pod,
        path=observed.target,
        authority=_port(observed.sent.get("host", "")),
        location=_without_default_port(_port(observed.headers.get("location", ""))),
        body=body,
        sent=_compared(observed.sent),
        answered=_compared(observed.headers),
    )


def _compared(headers: Mapping[str, str]) -> dict[str, str]:
    return {
        name: value
        for name, value in sorted(headers.items())
        if name not in IGNORED and not name.startswith(IGNORED_PREFIXES)
    }


def _port(text: str) -> str:
    for real, port in REAL_PORTS.items():
        text = re.sub(f"{real}(?=/|$)", port, text)
    return text


def _without_default_port(location: str) -> str:
    """A URL without the port that its scheme has anyway."""
    location = re.sub(r"^(http://[^/]*?):80(?=/|$)", r"\1", location)
    return re.sub(r"^(https://[^/]*?):443(?=/|$)", r"\1", location)
