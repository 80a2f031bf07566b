"""Programs to manifests and to an images.yaml."""

from collections.abc import Iterable
from pathlib import Path

import yaml

from mesh.resources.values.body import Body
from meshmall.init.program import Port, Program, Project, Volume

MANIFESTS, IMAGES = "manifests.yaml", "images.yaml"
CLAIM_SIZE = "1Gi"
# Ports of the machine that the mesh's gateway has for its ports 80 and 443.
GATEWAY_PORTS = frozenset((80, 443, 8080, 8443))


def manifests(project: Project) -> list[Body]:
    """The objects: claims, each program's Secret, Service and Deployment, and the way in."""
    names = dict.fromkeys(volume.name for program in project.programs for volume in program.volumes if volume.name)
    objects = [_claim(name) for name in names]
    for program in project.programs:
        if program.secrets:
            objects.append(_object("v1", "Secret", _secret(program), stringData=dict(program.secrets)))
        if program.ports:
            objects.append(_service(program))
        objects.append(_deployment(program))
    return [*objects, *_ways_in(project)]


def images(project: Project, folder: Path) -> Body:
    """The images.yaml that is going to be in `folder`."""
    mappings = []
    for program in project.programs:
        if not program.words:
            continue
        mapping: Body = {"image": program.image.partition("@")[0], "command": program.words}
        if program.folder is not None:
            mapping["workingDir"] = _relative(program.folder, folder)
        mappings.append(mapping)
    return {"images": mappings}


def as_yaml(bodies: Iterable[Body]) -> str:
    """Documents without anchors, which people do not expect in manifests."""
    return "---\n".join(yaml.dump(body, Dumper=_Plain, sort_keys=False) for body in bodies)


def front(project: Project) -> Program | None:
    """The program that answers at the gateway: the one that is published as a web server would be, or the first."""
    candidates = [program for program in project.programs if any(port.published for port in _http(program))]
    usual = [program for program in candidates if any(port.published in GATEWAY_PORTS for port in _http(program))]
    return next(iter([*usual, *candidates]), None)


class _Plain(yaml.SafeDumper):
    def ignore_aliases(self, data: object) -> bool:
        del data
        return True


def _relative(path: Path, folder: Path) -> str:
    """Relative to the images.yaml, so that the project can move; as it is when it lies elsewhere."""
    folder = folder.resolve()
    if path == folder.parent or folder.parent in path.parents:
        return str(Path("..", path.relative_to(folder.parent)))
    return str(path)


def _object(version: str, kind: str, name: str, **parts: object) -> Body:
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name}, **parts}


def _claim(name: str) -> Body:
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": CLAIM_SIZE}}}
    return _object("v1", "PersistentVolumeClaim", name, spec=spec)


def _secret(program: Program) -> str:
    return f"{program.name}-env"


def _service(program: Program) -> Body:
    ports = [
        {"name": f"{'http' if port.is_http else 'tcp'}-{port.number}", "port": port.number} for port in program.ports
    ]
    return _object("v1", "Service", program.name, spec={"selector": {"app": program.name}, "ports": ports})


def _deployment(program: Program) -> Body:
    container: Body = {"name": program.name, "image": program.image}
    if program.ports:
        container["ports"] = [{"containerPort": port.number} for port in program.ports]
    if program.env:
        container["env"] = [{"name": name, "value": value} for name, value in program.env.items()]
    if program.secrets:
        container["envFrom"] = [{"secretRef": {"name": _secret(program)}}]
    probe = program.probe
    certain = [port.number for port in program.ports if port.number not in program.doubtful]
    if probe is None and certain:
        probe = {"tcpSocket": {"port": certain[0]}, "periodSeconds": 2}
    if probe is not None:
        container["readinessProbe"] = probe
    pod: Body = {"containers": [container]}
    if program.volumes:
        container["volumeMounts"] = [_mount(number, volume) for number, volume in enumerate(program.volumes)]
        pod["volumes"] = [_volume(number, volume) for number, volume in enumerate(program.volumes)]
    if program.user is not None:
        container["securityContext"] = {"runAsUser": program.user}
    if program.grace is not None:
        pod["terminationGracePeriodSeconds"] = program.grace
    if program.aliases:
        pod["hostAliases"] = [{"hostnames": [name], "ip": ip} for name, ip in program.aliases.items()]
    labels = {"app": program.name, "version": "v1"}
    spec = {
        "replicas": program.replicas,
        "selector": {"matchLabels": {"app": program.name, "version": "v1"}},
        "template": {"metadata": {"labels": labels}, "spec": pod},
    }
    return _object("apps/v1", "Deployment", program.name, spec=spec)


def _mount(number: int, volume: Volume) -> Body:
    mount: Body = {"name": f"volume-{number}", "mountPath": volume.path}
    return {**mount, "readOnly": True} if volume.read_only else mount


def _volume(number: int, volume: Volume) -> Body:
    name = f"volume-{number}"
    if volume.name:
        return {"name": name, "persistentVolumeClaim": {"claimName": volume.name}}
    if volume.source is not None:
        return {"name": name, "hostPath": {"path": str(volume.source)}}
    return {"name": name, "emptyDir": {}}


def _http(program: Program) -> list[Port]:
    return [port for port in program.ports if port.is_http]


def _ways_in(project: Project) -> list[Body]:
    """A Gateway: the front at its port 80, and every published port at its own number."""
    first = front(project)
    if first is None:
        return []
    listeners: list[Body] = [{"name": "http", "port": 80, "protocol": "HTTP"}]
    routes = [_route(project, first, _main_port(first), "http")]
    taken = {*GATEWAY_PORTS}
    for program in project.programs:
        for port in _http(program):
            if not port.published or port.published in taken or port.published < 1024:
                continue
            taken.add(port.published)
            name = f"{program.name}-{port.published}"
            listeners.append({"name": name, "port": port.published, "protocol": "HTTP"})
            routes.append(_route(project, program, port, name))
    gateway = _object(
        "gateway.networking.k8s.io/v1",
        "Gateway",
        project.name,
        spec={"gatewayClassName": "istio", "listeners": listeners},
    )
    return [gateway, *routes]


def _main_port(program: Program) -> Port:
    return next(
        (port for port in _http(program) if port.published in GATEWAY_PORTS),
        next(port for port in _http(program) if port.published),
    )


def _route(project: Project, program: Program, port: Port, listener: str) -> Body:
    spec = {
        "parentRefs": [{"name": project.name, "sectionName": listener}],
        "rules": [{"backendRefs": [{"name": program.name, "port": port.number}]}],
    }
    name = f"{program.name}-{listener}" if listener == "http" else listener
    return _object("gateway.networking.k8s.io/v1", "HTTPRoute", name, spec=spec)
