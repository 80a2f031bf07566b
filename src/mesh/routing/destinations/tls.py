"""DestinationRule.trafficPolicy.tls: TLS that Envoy speaks to a destination."""

from collections.abc import Sequence

from mesh.resources.core.certificates import authority_of, certificate_of
from mesh.resources.core.service import ServicePort
from mesh.resources.istio.destination_rule import ClientTLSSettings, DestinationRule, TrafficPolicy
from mesh.routing.model.cluster import TlsOrigination
from mesh.routing.virtual_service.tls import Secrets


def tls_of(
    policies: Sequence[TrafficPolicy], port: ServicePort, host: str, rules: Sequence[DestinationRule], secrets: Secrets
) -> TlsOrigination | None:
    """SIMPLE and MUTUAL. ISTIO_MUTUAL is between Istio's own proxies; pods have none here, so it means no TLS."""
    settings = _settings(policies, port)
    if settings is None or settings.mode not in ("SIMPLE", "MUTUAL"):
        return None
    sni = settings.sni or host
    # The Secret is in the namespace of the rule.
    names = ((rule.metadata.namespace, settings.credential_name) for rule in rules)
    secret = next((secrets[name] for name in names if name in secrets), None)
    pair = certificate_of(secret) if secret is not None and settings.mode == "MUTUAL" else None
    return TlsOrigination(
        sni=sni,
        certificate=pair[0] if pair else "",
        key=pair[1] if pair else "",
        authority=authority_of(secret) if secret is not None else "",
        names=tuple(settings.subject_alt_names) or (sni,),
        verify=settings.insecure_skip_verify is not True,
    )


def _settings(policies: Sequence[TrafficPolicy], port: ServicePort) -> ClientTLSSettings | None:
    """The narrowest policy that has any decides; one for the port replaces all that are wider."""
    for policy in policies:
        of_port = next((level for level in policy.port_level_settings if level.port.number == port.port), None)
        if of_port is not None:
            return of_port.tls
        if policy.tls is not None:
            return policy.tls
    return None
