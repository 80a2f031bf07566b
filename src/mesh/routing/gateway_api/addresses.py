"""Where each Gateway of the Gateway API listens. Pure.

No two Gateways share an address: a request that came to one of them is never served by the routes of another, so that
`allowedRoutes` of a Gateway cannot be bypassed through its neighbour. The oldest Gateway gets the mesh's own address,
at which people look for it, unless Istio's Gateways or Ingresses listen at one of its ports there. The others get one
of a subnet of loopback addresses, or the one that `spec.addresses` asks for.
"""

import ipaddress
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from zlib import crc32

from mesh.resources.gateway_api.types import Gateway
from mesh.routing.gateway_api.references import Problem
from mesh.routing.world import MeshSettings

# The last number of an address: 1 to 250.
SUBNET_SIZE = 250
GatewayKey = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Placement:
    """`addresses` are where a Gateway listens, `ports` which port is opened there for one that a listener names.

    `unsupported` is why it is not accepted, `unusable` why it is accepted and cannot listen. `is_shared`: at the mesh's
    own address.
    """

    addresses: tuple[str, ...] = ()
    ports: Mapping[int, int] | None = None
    unsupported: Problem | None = None
    unusable: Problem | None = None
    is_shared: bool = False

    def port(self, number: int) -> int:
        """The port that clients call for a listener's."""
        return (self.ports or {}).get(number, number)


def placements(gateways: Sequence[Gateway], opened: Set[int], settings: MeshSettings) -> Mapping[GatewayKey, Placement]:
    """The place of each Gateway. They come oldest first; `opened` are the ports at the mesh's own address that are
    taken."""
    places: dict[GatewayKey, Placement] = {}
    taken: dict[str, GatewayKey] = {}
    for gateway in gateways:
        if any(address.value for address in gateway.spec.addresses) or _unsupported(gateway):
            place = _static(gateway, opened, taken, settings)
            places[_key(gateway)] = place
            taken |= dict.fromkeys(place.addresses, _key(gateway))
    dynamic = [gateway for gateway in gateways if _key(gateway) not in places]
    holder = next(iter(_holders(dynamic, opened, taken, settings)), None)
    # Those that have an address keep it, so that nothing that comes or goes moves them.
    for gateway in sorted(dynamic, key=lambda gateway: _former(gateway, settings) == ""):
        if gateway is holder:
            places[_key(gateway)] = Placement((settings.gateway_address,), settings.ports, is_shared=True)
            continue
        address = next((address for address in _proposed(gateway, settings) if address not in taken), "")
        problem = (
            None if address else Problem("AddressNotAssigned", f"no address of {settings.gateway_subnet}.0 is free")
        )
        places[_key(gateway)] = Placement((address,) if address else (), settings.own_ports, unusable=problem)
        taken[address] = _key(gateway)
    return places


def _static(gateway: Gateway, opened: Set[int], taken: Mapping[str, GatewayKey], settings: MeshSettings) -> Placement:
    if unsupported := _unsupported(gateway):
        return Placement(unsupported=unsupported)
    addresses = [address.value for address in gateway.spec.addresses if address.value]
    for address in addresses:
        if why := _unusable(address, gateway, opened, taken, settings):
            return Placement(unusable=Problem("AddressNotUsable", f"{address} {why}"))
    is_shared = settings.gateway_address in addresses
    ports = settings.ports if is_shared else settings.own_ports
    return Placement(tuple(dict.fromkeys(addresses)), ports, is_shared=is_shared and len(addresses) == 1)


def _unsupported(gateway: Gateway) -> Problem | None:
    for number, address in enumerate(gateway.spec.addresses):
        if address.type != "IPAddress":
            message = f'spec.addresses[{number}].type: "{address.type}" is not supported; use IPAddress'
            return Problem("UnsupportedAddress", message)
    return None


def _unusable(
    address: str, gateway: Gateway, opened: Set[int], taken: Mapping[str, GatewayKey], settings: MeshSettings
) -> str:
    """Why a Gateway cannot listen at an address that it names; "" when it can."""
    try:
        parsed = ipaddress.IPv4Address(address)
    except ValueError:
        return "is not an IPv4 address"
    if address in taken:
        return f"belongs to Gateway {'/'.join(taken[address])}"
    if address == settings.gateway_address:
        ports = {settings.ports.get(listener.port, listener.port) for listener in gateway.spec.listeners} & opened
        return f"is taken at port {min(ports)} by Istio's Gateways or Ingresses" if ports else ""
    if not parsed.is_loopback:
        # Other machines could reach it: that is for whoever starts the mesh to decide (meshmall up --expose).
        return "is not a loopback address of this machine (127.0.0.0/8)"
    block = settings.gateway_subnet.rpartition(".")[0]
    if address.startswith(f"{block}.") and not address.startswith(f"{settings.gateway_subnet}."):
        return f"is of the block 127.{block.rpartition('.')[2]}.0.0/16, which pods and Services have"
    return ""


def _holders(
    gateways: Sequence[Gateway], opened: Set[int], taken: Mapping[str, GatewayKey], settings: MeshSettings
) -> Iterator[Gateway]:
    """The Gateways that may have the mesh's own address: the one that has it by its status, then oldest first."""
    if settings.gateway_address in taken:
        return
    for gateway in sorted(gateways, key=lambda gateway: not _has(gateway, settings.gateway_address)):
        ports = {settings.ports.get(listener.port, listener.port) for listener in gateway.spec.listeners}
        if not ports & opened and not _former(gateway, settings):
            yield gateway


def _proposed(gateway: Gateway, settings: MeshSettings) -> Iterator[str]:
    if former := _former(gateway, settings):
        yield former
    first = crc32("/".join(_key(gateway)).encode())
    for step in range(SUBNET_SIZE):
        yield f"{settings.gateway_subnet}.{1 + (first + step) % SUBNET_SIZE}"


def _former(gateway: Gateway, settings: MeshSettings) -> str:
    """The address of the subnet that a Gateway has by its status; "" when it has none."""
    values = (address.value for address in gateway.status.addresses)
    return next((value for value in values if value.startswith(f"{settings.gateway_subnet}.")), "")


def _has(gateway: Gateway, address: str) -> bool:
    return any(former.value == address for former in gateway.status.addresses)


def _key(gateway: Gateway) -> GatewayKey:
    return gateway.metadata.namespace, gateway.metadata.name
