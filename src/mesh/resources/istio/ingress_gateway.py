"""The identity of Istio's own ingress gateway, which the mesh's gateway has, so that rules apply to it as they are.

It is selected by its labels (Gateways, AuthorizationPolicies), calls as a workload (rules that ask who calls), and
appears in metrics.
"""

from collections.abc import Mapping
from types import MappingProxyType

# Istio's root namespace: its policies apply in every namespace, and the gateway's pods are in it.
ROOT_NAMESPACE = "istio-system"
WORKLOAD = "istio-ingressgateway"
SERVICE_ACCOUNT = "istio-ingressgateway-service-account"
SELECTOR: Mapping[str, str] = MappingProxyType({"istio": "ingressgateway"})
LABELS: Mapping[str, str] = MappingProxyType({**SELECTOR, "app": WORKLOAD})
