"""`meshmall demo`: the multi-branch environment, shown by the answers that three users really get."""

import http.client
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from mesh.daemon.failure import Failure
from meshmall.cli.context import Context, use_kubeconfig
from meshmall.cli.options import require_output
from meshmall.cli.up import MALL, apply_mall, start_mesh, stopped_when_cut_short, wait_for_mall
from meshmall.defaults import NODE_PORT

BRANCHES = ("jason.yaml", "fox.yaml")
USERS = ("jason", "fox", "xx")
LARGEST_ANSWER = 1 << 20


@dataclass(frozen=True, slots=True)
class Seen:
    """What one user's `/api/mall` shows. `favorites` counts the products that have any."""

    recommend_banner: bool
    discount_banner: bool
    favorites: int
    products: int


EXPECTED = {
    "jason": lambda seen: seen.recommend_banner and not seen.discount_banner and seen.favorites == 0,
    "fox": lambda seen: not seen.recommend_banner and seen.discount_banner and seen.favorites == seen.products > 0,
    "xx": lambda seen: not seen.recommend_banner and not seen.discount_banner and seen.favorites == 0,
}


def show(context: Context, options: Mapping[str, Any], output: str = "text") -> None:
    """Starts everything, sends a request as each user and prints the answers side by side.

    Raises Failure when a user sees somebody else's version.
    """
    require_output(output, "text", "json")
    if output == "json":
        context.view.only_data()
    with stopped_when_cut_short(context):
        if context.home.running() is None:
            start_mesh(context, options)
        else:
            context.view.say(f"the mesh is already running in {context.home.path}")
        workloads = apply_mall(context, MALL)
    wait_for_mall(context, workloads)
    wait_for_mall(context, apply_mall(context, BRANCHES))
    settings = context.settings
    seen = {user: ask(settings.address, settings.gateway_port, user) for user in USERS}
    url = settings.gateway_url
    if output == "json":
        body = {"gateway": url, "users": {user: asdict(answer) for user, answer in seen.items()}}
        context.view.plain(json.dumps(body, indent=2))
    else:
        _table(context, seen)
        _addresses(context, url)
    wrong = [user for user in USERS if not EXPECTED[user](seen[user])]
    if wrong:
        raise Failure(f"{', '.join(wrong)}: wrong version of a service", "see: meshmall status; meshmall get pods")


def ask(address: str, port: int, user: str) -> Seen:
    """Requests `/api/mall` as this user. Raises Failure when the gateway or the mall fails."""
    connection = http.client.HTTPConnection(address, port, timeout=10)
    try:
        connection.request("GET", "/api/mall", headers={"cookie": f"user={user}"})
        answer = connection.getresponse()
        text = answer.read(LARGEST_ANSWER)
    except OSError as error:
        raise Failure(f"the gateway at {address}:{port} does not answer: {error}") from None
    finally:
        connection.close()
    if answer.status != 200:
        raise Failure(f"the gateway answers user={user} with {answer.status}: {text[:200]!r}")
    body = json.loads(text)
    areas = [body.get("recommend"), body.get("discount")]
    if None in areas:
        raise Failure(f"the mall answers user={user} without one of its areas: {body.get('errors')}")
    products = [product for area in areas for product in area["products"]]
    return Seen(
        recommend_banner=areas[0]["banner"],
        discount_banner=areas[1]["banner"],
        favorites=sum("favorites" in product for product in products),
        products=len(products),
    )


def _table(context: Context, seen: Mapping[str, Seen]) -> None:
    context.view.say()
    context.view.table(
        f"What each user sees at {context.settings.gateway_url}/",
        ["", *(f"user={user}" for user in USERS)],
        [
            ["recommend, banner (jason's)", *(_yes(seen[user].recommend_banner) for user in USERS)],
            ["discount, banner (fox's)", *(_yes(seen[user].discount_banner) for user in USERS)],
            ["products, favorites (fox's)", *(_count(seen[user]) for user in USERS)],
        ],
    )


def _addresses(context: Context, url: str) -> None:
    settings = context.settings
    context.view.say(f"  shop          [bold]{url}/[/]  (sign in as jason, fox, or any name)")
    context.view.say(f"  NodePort      http://{settings.address}:{NODE_PORT}/")
    context.view.say(f"  API           curl -s -H 'cookie: user=jason' {url}/api/mall")
    context.view.say(f"  kubectl       {use_kubeconfig(context)}")
    context.view.say("  next          meshmall status, meshmall get pods, meshmall down")


def _yes(there: bool) -> str:
    return "[green]true[/]" if there else "[dim]false[/]"


def _count(seen: Seen) -> str:
    return f"[green]on {seen.favorites} of {seen.products}[/]" if seen.favorites else "[dim]none[/]"
