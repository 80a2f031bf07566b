"""Where the gateway and NodePorts may listen: on loopback, unless the user says that other machines may call.

They have no password: whatever listens beyond loopback serves everybody who reaches this machine.
"""

import ipaddress

from mesh.daemon.failure import Failure

LOCALHOST = "localhost"
# Where clients on this machine find what listens at all addresses.
LOOPBACK = "127.0.0.1"
REMEDY = "use a loopback address: 127.0.0.1, the default, or another one such as 127.0.0.2"


def listen_address(text: str, *, expose: bool) -> str:
    """The IPv4 address that `--address` means. Raises Failure for one that is not on loopback, without `expose`."""
    if text == LOCALHOST:
        return LOOPBACK
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        raise Failure(f'--address "{text}": is not an IP address', REMEDY, code=2) from None
    if address.version != 4:
        raise Failure(f"--address {text}: is an IPv6 address, and the mesh listens on IPv4", REMEDY, code=2)
    if not address.is_loopback and not expose:
        raise Failure(
            f"--address {text}: is not a loopback address: every machine that reaches this one could call the "
            "gateway and NodePorts, which ask for no password",
            f"{REMEDY}; or, if that is what you want, add --expose",
            code=2,
        )
    return str(address)


def exposure(address: str) -> str:
    """The warning that goes with an address that other machines can reach; "" for a loopback address."""
    if ipaddress.ip_address(address).is_loopback:
        return ""
    return (
        f"the gateway and NodePorts listen at {address}: every machine that reaches this one can call them, "
        "without a password"
    )


def reachable(address: str) -> str:
    """Where a client on this machine reaches what listens at an address."""
    return LOOPBACK if ipaddress.ip_address(address).is_unspecified else address
