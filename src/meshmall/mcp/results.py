"""What the tools return; the protocol's client gets a JSON schema of each."""

from typing import Any

from pydantic import BaseModel, Field


class Branch(BaseModel):
    """A developer's or agent's view of the system."""

    name: str
    phase: str = Field(description="Pending, Ready, Degraded or Expired")
    changes: list[str] = Field(description="the services that it changes; ! marks one that is not ready")
    entries: list[str] = Field(description="what makes a request enter it, such as `cookie user=fox`")
    address: str = Field(description="preview address for a browser; empty if there is none")
    expires: str = Field(description="RFC 3339")
    problem: str = Field(default="", description="why it is not ready")


class Hop(BaseModel):
    """One call of a request, as Envoy saw it. `parent` is the place of the call that caused it."""

    parent: int | None
    service: str
    workload: str = Field(description="the Deployment that answered; empty if none did")
    method: str
    url: str
    status: int
    milliseconds: float
    branch: str = Field(description="the branch whose pod answered; empty for the baseline")
    problem: str = Field(description="why no pod answered")


class Answer(BaseModel):
    """A response of the gateway, and the path of the request through the mesh."""

    status: int
    headers: dict[str, str]
    body: Any = Field(description="parsed if it is JSON; text is cut after 20,000 characters")
    milliseconds: float
    branch: str = Field(description="the branch that the request entered; empty for none")
    request_id: str
    hops: list[Hop]


class Difference(BaseModel):
    """One thing that differs between the baseline and a branch."""

    what: str = Field(description="status, header NAME, body PATH, or workload SERVICE")
    baseline: str
    branch: str


class Comparison(BaseModel):
    """The same request to the baseline and to a branch. What differs between two equal requests is left out."""

    path: str
    baseline_milliseconds: float
    branch_milliseconds: float
    differences: list[Difference]


class Log(BaseModel):
    """The end of a container's log."""

    pod: str
    lines: list[str]


class Health(BaseModel):
    """What is wrong in the mesh, one sentence each; empty if nothing is."""

    gateway: str
    problems: list[str]
