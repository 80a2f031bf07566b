"""What is asked of both: a dozen branches with every kind of entry, and requests that fit none, one or several."""

import http.client
import json
import random
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

from tests.support.branches import every_entry

SHOP = "shop.example.com"
FAVORITES: dict[str, Any] = {
    "spec": {
        "containers": [
            {
                "name": "favorites",
                "image": "ghcr.io/mesh-mall/mall:0.1.0",
                "command": ["python", "-m", "mall.favorites"],
                "ports": [{"name": "http", "containerPort": 7000}],
                "env": [{"name": "HOST", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}],
            }
        ]
    }
}


def _fork(**environ: str) -> dict[str, Any]:
    return {"fork": {"env": [{"name": name, "value": value} for name, value in environ.items()]}}


BANNER, SCALE, SHOWN = _fork(BANNER="true"), _fork(SCALE="10"), _fork(FAVORITES="true")
# By name: what the branch changes, and what it includes. The names' order is none of the letters'.
BRANCHES: dict[str, tuple[dict[str, Any], Sequence[str]]] = {
    "lea": ({"recommend": BANNER}, ()),
    "kim": ({"discount": BANNER}, ()),
    "joe": ({"scores": SCALE}, ()),
    "ida": ({"products": SHOWN, "favorites": {"template": FAVORITES}}, ()),
    "hal": ({"recommend": BANNER, "scores": SCALE}, ()),
    "gil": ({"discount": BANNER, "products": SHOWN, "favorites": {"template": FAVORITES}}, ()),
    "fay": ({"mall": _fork(CONCURRENCY="true"), "recommend": BANNER}, ()),
    "eve": ({"recommend": {"version": "v1"}, "scores": SCALE}, ()),
    "dan": ({}, ("lea", "kim")),
    "cyd": ({"recommend": {"version": "v1"}}, ("hal",)),
    "bob": ({"users": _fork(), "stock": _fork()}, ("ida",)),
    "ann": ({}, ("bob", "joe")),
}
LETTERS = dict(zip(BRANCHES, "abcdefghijkl", strict=True))


class Question(NamedTuple):
    """A request to the gateway."""

    host: str
    path: str
    headers: tuple[tuple[str, str], ...]


def manifests() -> list[dict[str, Any]]:
    """The branches as objects."""
    return [
        {
            "apiVersion": "meshmall.dev/v1",
            "kind": "Branch",
            "metadata": {"name": name, "namespace": "mesh"},
            "spec": {"enter": every_entry(LETTERS[name]), "services": services, "includes": list(includes)},
        }
        for name, (services, includes) in BRANCHES.items()
    ]


def drawn(seed: int, count: int) -> list[Question]:
    """Requests that carry signs of no branch, of one, or of several with different kinds of entries."""
    draw = random.Random(seed)  # noqa: S311
    letters, names = [*LETTERS.values(), "z"], [*LETTERS, "nobody"]
    return [_drawn(draw, letters, names) for _ in range(count)]


def _drawn(draw: random.Random, letters: Sequence[str], names: Sequence[str]) -> Question:
    """Each kind of sign in a quarter of the requests."""

    def some(text: str) -> str:
        return text.format(letter=draw.choice(letters), name=draw.choice(names)) if draw.random() < 0.25 else ""

    hosts = ("{letter}.example.com", "{letter}.Example.com:8080", "{name}.localhost", "{name}.LOCALHOST:80")
    host = some(draw.choice(hosts)) or SHOP
    query = [some("view={letter}"), some("tab={letter}%2B{letter}%2f{letter}"), some("page=1")]
    members = [some("tenant={letter}"), some("branch={name}"), some("a=1"), some(" branch = {name};since=1")]
    cookies = [some("user={letter}"), some("theme={letter}"), some("lang=zh"), some("prefs=x,user={letter},y")]
    draw.shuffle(members)
    draw.shuffle(cookies)
    headers = {
        "baggage": ",".join(filter(None, members)),
        "cookie": "; ".join(filter(None, cookies)),
        "x-dev": some("{letter}"),
        "x-team": some("{letter}"),
        "x-branch": some("{name}"),
    }
    path = "/api/mall" + ("?" + "&".join(filter(None, query)) if any(query) else "")
    return Question(host, path, tuple((name, value) for name, value in headers.items() if value))


def ask(address: str, port: int, questions: Iterable[Question]) -> list[Any]:
    """Each answer as [status, the branch that it names, its page], in the order of the questions."""
    with ThreadPoolExecutor(4) as pool:
        return list(pool.map(lambda question: _ask(address, port, question), questions))


def _ask(address: str, port: int, question: Question) -> Any:
    connection = http.client.HTTPConnection(address, port, timeout=30)
    try:
        connection.putrequest("GET", question.path, skip_host=True)
        for name, value in (("Host", question.host), *question.headers):
            connection.putheader(name, value)
        connection.endheaders()
        answer = connection.getresponse()
        text = answer.read()
        page = json.loads(text) if text.startswith(b"{") else text.decode(errors="replace")[:200]
        return [answer.status, answer.getheader("x-branch", ""), page]
    except (OSError, http.client.HTTPException) as error:
        return [0, "", repr(error)]
    finally:
        connection.close()
