"""Keys are fetched by URL; a fetch that fails leaves those that were there."""

import json
import socket

from mesh.control.jwks import REFRESH, RETRY, KeySets, Source
from tests.support.served import served

KEYS = json.dumps({"keys": [{"kty": "oct", "k": "c2VjcmV0"}]})


async def test_keys_are_fetched_when_they_are_first_needed() -> None:
    keys = KeySets()
    assert KeySets().pause is None
    with served(KEYS) as port:
        url = f"http://127.0.0.1:{port}/keys"
        await keys.follow({url: Source()})
        assert (dict(keys.by_url), dict(keys.failures), keys.pause) == ({url: KEYS}, {}, REFRESH)
        assert not await keys.refresh()
    assert await keys.refresh()
    assert keys.by_url[url] == KEYS
    assert url in keys.failures
    assert keys.pause == RETRY
    await keys.follow({})
    assert not keys.by_url
    assert not keys.failures
    assert not keys.pause


async def test_what_is_no_key_set_is_a_failure() -> None:
    keys = KeySets()
    with served("<html>") as port:
        url = f"http://127.0.0.1:{port}/"
        await keys.follow({url: Source()})
    assert keys.by_url.get(url) is None
    assert "is not JSON" in keys.failures[url]


async def test_a_service_s_keys_are_asked_for_at_its_pod_and_again_when_that_moves() -> None:
    keys = KeySets()
    url = "http://keys.mesh:8000/keys"
    await keys.follow({url: Source(("127.0.0.1", 1))})
    assert url in keys.failures
    with served(KEYS) as port:
        await keys.follow({url: Source(("127.0.0.1", port))})
    assert keys.by_url == {url: KEYS}


async def test_a_service_s_pod_is_asked_by_a_socket_of_the_pods_network() -> None:
    addresses: list[str] = []

    async def socket_to(address: str) -> socket.socket:
        addresses.append(address)
        if address.startswith("10."):
            raise OSError("the pods' network is gone")
        return socket.socket()

    keys = KeySets(socket_to)
    service, outside = "http://keys.mesh:8000/keys", "http://127.0.0.1:1/keys"
    with served(KEYS) as port:
        await keys.follow({service: Source(("127.0.0.1", port)), outside: Source()})
        assert (keys.by_url, addresses, set(keys.failures)) == ({service: KEYS}, ["127.0.0.1"], {outside})
    await keys.follow({"http://other.mesh:8000/": Source(("10.244.1.1", 80))})
    assert keys.failures == {"http://other.mesh:8000/": "OSError: the pods' network is gone"}
