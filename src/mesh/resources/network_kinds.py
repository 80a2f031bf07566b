"""The kinds of networking.k8s.io that the gateway serves. A part of `mesh.resources.kinds`, which alone is asked."""

from mesh.resources.analysis.ingress_references import check_ingress_references
from mesh.resources.checks.ingress import (
    advise_ingress,
    check_ingress,
    check_ingress_class,
    check_ingress_class_update,
)
from mesh.resources.columns import networking
from mesh.resources.core.ingress import GROUP, Ingress, IngressClass
from mesh.resources.kind_definition import STATUS, Conditions, KindDefinition, Routing
from mesh.resources.values.ref import SERVICE

NETWORK_KINDS = (
    KindDefinition(
        group=GROUP,
        kind="Ingress",
        plural="ingresses",
        short_names=("ing",),
        type=Ingress,
        columns=networking.INGRESS,
        subresources=STATUS,
        check=check_ingress,
        advise=advise_ingress,
        check_references=check_ingress_references,
        references=frozenset((SERVICE,)),
        routing=Routing.RULE,
        conditions=Conditions.REFUSAL,
    ),
    KindDefinition(
        group=GROUP,
        kind="IngressClass",
        plural="ingressclasses",
        namespaced=False,
        type=IngressClass,
        columns=networking.INGRESS_CLASS,
        check=check_ingress_class,
        check_update=check_ingress_class_update,
        routing=Routing.INPUT,
    ),
)
