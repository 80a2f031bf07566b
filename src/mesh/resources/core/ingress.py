"""Ingress and IngressClass (Kubernetes networking.k8s.io/v1)."""

from msgspec import field

from mesh.resources.core.service import PortStatus
from mesh.resources.values.meta import Condition, Part, Resource

GROUP = "networking.k8s.io"
# How an Ingress named its class before there was a field for it.
CLASS_ANNOTATION = "kubernetes.io/ingress.class"
DEFAULT_CLASS_ANNOTATION = "ingressclass.kubernetes.io/is-default-class"
# The classes that the mesh's gateway serves without an IngressClass object, and the controllers that mean it.
CLASSES = ("istio", "meshmall")
CONTROLLERS = ("istio.io/ingress-controller", "meshmall.dev/ingress-controller")


class ServiceBackendPort(Part, frozen=True):
    """One of the two: a port's name, or its number."""

    name: str = ""
    number: int = 0


class IngressServiceBackend(Part, frozen=True):
    name: str
    port: ServiceBackendPort = field(default_factory=ServiceBackendPort)


class TypedLocalReference(Part, frozen=True):
    kind: str
    name: str
    api_group: str = ""


class IngressBackend(Part, frozen=True):
    """A Service, or (not served here) an object of another kind."""

    service: IngressServiceBackend | None = None
    resource: TypedLocalReference | None = None


class HTTPIngressPath(Part, frozen=True):
    """`path_type` is Exact, Prefix (whole elements of the path) or ImplementationSpecific."""

    backend: IngressBackend
    path: str = ""
    path_type: str = ""


class HTTPIngressRuleValue(Part, frozen=True):
    paths: list[HTTPIngressPath] = []


class IngressRule(Part, frozen=True):
    """`host` "" is every host."""

    host: str = ""
    http: HTTPIngressRuleValue | None = None


class IngressTLS(Part, frozen=True):
    hosts: list[str] = []
    secret_name: str = ""


class IngressSpec(Part, frozen=True):
    ingress_class_name: str = ""
    default_backend: IngressBackend | None = None
    tls: list[IngressTLS] = []
    rules: list[IngressRule] = []


class IngressLoadBalancerIngress(Part, frozen=True):
    ip: str = ""
    hostname: str = ""
    ports: list[PortStatus] = []


class IngressLoadBalancerStatus(Part, frozen=True):
    ingress: list[IngressLoadBalancerIngress] = []


class IngressStatus(Part, frozen=True):
    load_balancer: IngressLoadBalancerStatus = field(default_factory=IngressLoadBalancerStatus)
    conditions: list[Condition] = []


class Ingress(Resource, frozen=True):
    spec: IngressSpec = field(default_factory=IngressSpec)
    status: IngressStatus = field(default_factory=IngressStatus)

    @property
    def class_name(self) -> str:
        """The class that it asks for; "" for none."""
        return self.spec.ingress_class_name or self.metadata.annotations.get(CLASS_ANNOTATION, "")

    @property
    def backends(self) -> list[tuple[str, IngressBackend]]:
        """Every backend, with the path of its field."""
        default = self.spec.default_backend
        listed = [("spec.defaultBackend", default)] if default is not None else []
        for number, rule in enumerate(self.spec.rules):
            for place, path in enumerate(rule.http.paths if rule.http is not None else ()):
                listed.append((f"spec.rules[{number}].http.paths[{place}].backend", path.backend))
        return listed


class IngressClassParameters(Part, frozen=True):
    kind: str
    name: str
    api_group: str = ""
    scope: str = ""
    namespace: str = ""


class IngressClassSpec(Part, frozen=True):
    controller: str = ""
    parameters: IngressClassParameters | None = None


class IngressClass(Resource, frozen=True):
    spec: IngressClassSpec = field(default_factory=IngressClassSpec)
