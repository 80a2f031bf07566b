"""Which protocol a port speaks: Istio's selection, as pkg/config/protocol and pkg/config/kube decide it."""

import pytest

from mesh.resources.core.service import ServicePort
from mesh.routing.destinations.protocol import Wire, wire_of


@pytest.mark.parametrize(
    ("name", "wire"),
    [
        ("", Wire.DETECT),
        ("web", Wire.DETECT),
        ("tcp", Wire.TCP),
        ("tcp-db", Wire.TCP),
        ("http", Wire.HTTP),
        ("HTTP-api", Wire.HTTP),
        ("http2-x", Wire.HTTP2),
        ("grpc", Wire.HTTP2),
        ("grpc-web", Wire.HTTP2),
        ("grpc-web-x", Wire.HTTP2),
        ("https", Wire.TLS),
        ("tls-x", Wire.TLS),
        ("mongo", Wire.TCP),
        ("mysql", Wire.TCP),
        ("redis-cart", Wire.TCP),
        ("udp", Wire.TCP),
        ("httpx", Wire.DETECT),
        ("metrics-http", Wire.DETECT),
    ],
)
def test_the_first_word_of_a_ports_name_selects_its_protocol(name: str, wire: Wire) -> None:
    assert wire_of(ServicePort(port=8080, name=name)) is wire


@pytest.mark.parametrize(
    ("app_protocol", "wire"),
    [
        ("http", Wire.HTTP),
        ("grpc", Wire.HTTP2),
        ("kubernetes.io/h2c", Wire.HTTP2),
        ("kubernetes.io/ws", Wire.HTTP),
        ("kubernetes.io/wss", Wire.TLS),
        ("tcp", Wire.TCP),
        ("example.com/own", Wire.DETECT),
    ],
)
def test_the_app_protocol_counts_before_the_name(app_protocol: str, wire: Wire) -> None:
    assert wire_of(ServicePort(port=8080, name="tcp-x", app_protocol=app_protocol)) is wire


@pytest.mark.parametrize("number", [25, 53, 3306, 27017])
def test_where_the_server_speaks_first_nothing_is_detected(number: int) -> None:
    assert wire_of(ServicePort(port=number)) is Wire.TCP
    assert wire_of(ServicePort(port=number, name="http")) is Wire.HTTP


def test_udp_is_udp_whatever_its_name() -> None:
    assert wire_of(ServicePort(port=53, name="http", protocol="UDP")) is Wire.UDP
