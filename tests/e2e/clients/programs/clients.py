"""Python's HTTP clients, each at every URL: a line "client<TAB>number of the URL<TAB>answer"."""

import asyncio
import sys
import urllib.request
from collections.abc import Awaitable, Callable

import aiohttp
import httpx
import requests
import urllib3


def by_urllib(url: str) -> str:
    with urllib.request.urlopen(url, timeout=20) as answer:
        return str(answer.read().decode())


async def by_aiohttp(url: str) -> str:
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        return await answer.text()


async def by_aiohttp_with_environment(url: str) -> str:
    async with aiohttp.ClientSession(trust_env=True) as session, session.get(url) as answer:
        return await answer.text()


def waited(call: Callable[[str], Awaitable[str]]) -> Callable[[str], str]:
    async def run(url: str) -> str:
        return await call(url)

    return lambda url: asyncio.run(run(url))


CLIENTS: dict[str, Callable[[str], str]] = {
    "urllib": by_urllib,
    "requests": lambda url: requests.get(url, timeout=20).text,
    "urllib3": lambda url: urllib3.PoolManager(retries=False).request("GET", url, timeout=20).data.decode(),
    "httpx": lambda url: httpx.get(url, timeout=20).text,
    "aiohttp": waited(by_aiohttp),
    "aiohttp, trust_env": waited(by_aiohttp_with_environment),
}

for name, call in CLIENTS.items():
    for number, url in enumerate(sys.argv[1:]):
        try:
            answer = call(url)
        except Exception as error:
            answer = f"{type(error).__name__}: {error}"
        print(name, number, answer.strip().replace("\n", " "), sep="\t", flush=True)
