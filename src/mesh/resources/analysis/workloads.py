"""Services and subsets that select no pods, by the labels of the workloads that there are. Pure.

Only an analysis asks: while objects are applied one after the other, the workload may still come.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from mesh.resources.analysis.finding import Finding, warning
from mesh.resources.core.daemon_set import DaemonSet
from mesh.resources.core.deployment import Deployment
from mesh.resources.core.endpoint_slice import EndpointSlice
from mesh.resources.core.pod import Pod
from mesh.resources.core.service import Service
from mesh.resources.core.stateful_set import StatefulSet
from mesh.resources.istio.destination_rule import DestinationRule
from mesh.resources.values.hosts import aliases, resolve
from mesh.resources.values.meta import Resource

Labels = Mapping[str, str]


def check_workloads(objects: Iterable[Resource]) -> Iterator[Finding]:
    """Services without pods, and subsets whose labels none of the Service's pods has."""
    everything = list(objects)
    pods = _pods(everything)
    if not pods:
        # Files of rules alone: what they are for is elsewhere.
        return
    services: dict[str, Service] = {}
    written = {(item.metadata.namespace, item.service) for item in everything if isinstance(item, EndpointSlice)}
    for service in (typed for typed in everything if isinstance(typed, Service)):
        metadata, selector = service.metadata, service.spec.selector
        services |= dict.fromkeys(aliases(metadata.name, metadata.namespace, ""), service)
        if service.spec.type == "ExternalName" or service.is_api:
            continue
        if not selector:
            if (metadata.namespace, metadata.name) not in written:
                message = "is empty, and no EndpointSlice lists endpoints; requests get 503"
                yield warning(service, "spec.selector", message, "NoMatchingWorkloadsFound")
        elif not _select(pods[metadata.namespace], selector):
            message = f"no workload in {metadata.namespace} has the labels {_text(selector)}; requests get 503"
            yield warning(service, "spec.selector", message, "NoMatchingWorkloadsFound")
    for rule in (typed for typed in everything if isinstance(typed, DestinationRule)):
        target = services.get(resolve(rule.spec.host, rule.metadata.namespace))
        if target is not None and target.spec.selector:
            yield from _subsets(rule, target, pods[target.metadata.namespace])


def _subsets(rule: DestinationRule, service: Service, pods: list[Labels]) -> Iterator[Finding]:
    for number, subset in enumerate(rule.spec.subsets):
        if subset.labels and not _select(pods, {**service.spec.selector, **subset.labels}):
            name = service.metadata.name
            message = f"no pod of Service {name} has the labels {_text(subset.labels)}; requests get 503"
            yield warning(rule, f"spec.subsets[{number}].labels", message, "DestinationRuleSubsetsNotSelectPods")


def _pods(objects: Iterable[Resource]) -> defaultdict[str, list[Labels]]:
    """The labels of pods, and of the templates from which pods are made, by namespace."""
    pods: defaultdict[str, list[Labels]] = defaultdict(list)
    for typed in objects:
        if isinstance(typed, Pod):
            pods[typed.metadata.namespace].append(typed.metadata.labels)
        elif isinstance(typed, Deployment | StatefulSet | DaemonSet):
            pods[typed.metadata.namespace].append(typed.spec.template.metadata.labels)
    return pods


def _select(pods: Iterable[Labels], selector: Labels) -> bool:
    return any(selector.items() <= labels.items() for labels in pods)


def _text(labels: Labels) -> str:
    return ",".join(f"{name}={value}" for name, value in sorted(labels.items()))
