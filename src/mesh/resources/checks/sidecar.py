"""What is refused in a Sidecar."""

from collections.abc import Iterator

from mesh.resources.istio.sidecar import ALLOW_ANY, REGISTRY_ONLY, Sidecar, SidecarSpec
from mesh.resources.values.names import none_of, wrong_host, wrong_label, wrong_labels
from mesh.resources.values.problems import FieldError, required

CAPTURE_MODES = ("DEFAULT", "IPTABLES", "NONE")
Errors = Iterator[FieldError]


def check_sidecar(sidecar: Sidecar) -> Errors:
    """Everything wrong with a Sidecar by itself."""
    if sidecar.spec == SidecarSpec():
        yield required("spec", "is empty; name egress, ingress, outboundTrafficPolicy or workloadSelector")
    if sidecar.spec.workload_selector is not None:
        for key, why in wrong_labels(sidecar.spec.workload_selector.labels):
            yield FieldError(f"spec.workloadSelector.labels[{key}]", why)
    policy = sidecar.spec.outbound_traffic_policy
    if policy is not None:
        yield from none_of(policy.mode, (ALLOW_ANY, REGISTRY_ONLY), "spec.outboundTrafficPolicy.mode")
    for number, listener in enumerate(sidecar.spec.egress):
        path = f"spec.egress[{number}]"
        if listener.capture_mode:
            yield from none_of(listener.capture_mode, CAPTURE_MODES, f"{path}.captureMode")
        if not listener.hosts:
            yield required(f"{path}.hosts", 'is empty; "./*" is everything in the namespace of the Sidecar')
        for place, text in enumerate(listener.hosts):
            namespace, slash, host = text.partition("/")
            if not slash or (namespace not in ("*", ".", "~") and wrong_label(namespace)):
                yield FieldError(
                    f"{path}.hosts[{place}]",
                    f'"{text[:80]}" is not "namespace/host" (for example, "./*" or "*/api.example.com")',
                )
            elif wrong := wrong_host(host):
                yield FieldError(f"{path}.hosts[{place}]", wrong)
            elif host != "*" and "." not in host:
                yield FieldError(f"{path}.hosts[{place}]", f'"{host[:80]}" is a short name; use a full one')
        if listener.port is None and number < len(sidecar.spec.egress) - 1:
            yield FieldError(path, "has no port: such a listener is for all others, and must be the last")
