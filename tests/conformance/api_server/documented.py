"""The differences that are known, each with its reason: one file per area below `differences/`."""

import json
from pathlib import Path

FOLDER = Path(__file__).parent / "differences"
AREAS: dict[str, tuple[str, ...]] = {
    "batch": ("job", "cj", "Job", "CronJob"),
    "stateful": (
        *("sts", "ds", "hpa", "pdb", "pvc", "StatefulSet", "DaemonSet", "HorizontalPodAutoscaler"),
        *("PodDisruptionBudget", "PersistentVolumeClaim", "PersistentVolume", "StorageClass", "ReplicationController"),
    ),
    "networking": (
        *("svc", "eps", "ing", "np", "vs", "dr", "gw", "se", "ap", "hr", "ggw"),
        *("Service", "Endpoints", "EndpointSlice", "Ingress", "IngressClass", "NetworkPolicy"),
        *("GatewayClass", "Gateway", "HTTPRoute", "GRPCRoute", "ReferenceGrant"),
        *("VirtualService", "DestinationRule", "ServiceEntry", "Sidecar", "AuthorizationPolicy"),
        *("RequestAuthentication", "PeerAuthentication", "Telemetry", "EnvoyFilter", "WorkloadEntry"),
        *("WorkloadGroup", "ProxyConfig", "WasmPlugin"),
    ),
}
OTHER = "core"


def area(name: str) -> str:
    """The file in which a difference is recorded: the second word of its name is the kind."""
    kind = name.split()[1].rstrip(":")
    return next((area for area, kinds in AREAS.items() if kind in kinds), OTHER)


def documented(group: str) -> dict[str, str]:
    """The reasons of all known differences of `cases` or `defaults`, by name."""
    reasons: dict[str, str] = {}
    for path in sorted(FOLDER.glob(f"{group}-*.json")):
        reasons |= json.loads(path.read_text(encoding="utf-8"))
    return reasons


def write(group: str, reasons: dict[str, str]) -> None:
    """Records differences with their reasons, each in the file of its area."""
    for name in (*AREAS, OTHER):
        path = FOLDER / f"{group}-{name}.json"
        of_area = {key: reasons[key] for key in sorted(reasons) if area(key) == name}
        if of_area:
            path.write_text(json.dumps(of_area, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        else:
            path.unlink(missing_ok=True)
