"""What the comparison of objects with each other finds."""

from dataclasses import dataclass
from typing import Literal

from mesh.resources.values.meta import Resource, ref_of
from mesh.resources.values.problems import FieldError

# The numbers of the messages that Istio's analyzer has (istio.io, "Analysis Messages"); the others are the mesh's own.
NUMBERS = {
    "ReferencedResourceNotFound": "IST0101",
    "SchemaValidationError": "IST0106",
    "ConflictingMeshGatewayVirtualServiceHosts": "IST0109",
    "VirtualServiceDestinationPortSelectorRequired": "IST0112",
    "NoMatchingWorkloadsFound": "IST0127",
    "VirtualServiceUnreachableRule": "IST0130",
    "VirtualServiceHostNotFoundInGateway": "IST0132",
    "ConflictingGateways": "IST0145",
    "InvalidGatewayCredential": "IST0161",
    "DestinationRuleSubsetsNotSelectPods": "IST0173",
}


def numbered(code: str) -> str:
    """A code with Istio's number, where it has one: `IST0101 ReferencedResourceNotFound`."""
    return f"{NUMBERS[code]} {code}" if code in NUMBERS else code


@dataclass(frozen=True, slots=True)
class Finding:
    """An error refuses the change; a warning is reported with it.

    `may_come`: what is missing is an object of its own, which a later change may bring. `code` is the name of the
    check: that of Istio's analyzer where it has one.
    """

    severity: Literal["error", "warning"]
    error: FieldError
    may_come: bool = False
    code: str = "ReferencedResourceNotFound"


def warning(typed: Resource, path: str, message: str, code: str = "ReferencedResourceNotFound") -> Finding:
    """A warning about an object."""
    return Finding("warning", FieldError(path, message, ref_of(typed)), code=code)
