"""`meshmall up`: starts the daemon, and applies the mall's v1 and the baseline's rules."""

import os
import signal
import threading
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from rich.markup import escape

from mesh.daemon import launch
from mesh.daemon.address import exposure, listen_address
from mesh.daemon.failure import Failure
from mesh.resources.values.durations import seconds
from meshmall.cli.apply import apply_objects, pods_are_ready, wait_ready
from meshmall.cli.context import Context
from meshmall.cli.options import NetworkMode
from meshmall.cli.status import network_line
from meshmall.defaults import NAMESPACE
from meshmall.manifests import mall_manifest, read

MALL = ("mesh-mall-v1.yaml", "mesh-routing.yaml")
READY_LIMIT = 60.0
# Seconds between two looks at the daemon.
LOOK_EVERY = 0.5
# The default of --network, for machines and CI jobs where every mesh should have the same.
NETWORK_VARIABLE = "MESHMALL_NETWORK"


def bring_up(context: Context, options: Mapping[str, Any], *, with_mall: bool) -> None:
    """Starts the mesh and prints its addresses. An option that is None keeps the home's setting."""
    dormant = start_mesh(context, options if with_mall else {**options, "dormant": mall_names()})
    if with_mall:
        apply_mall(context, MALL)
    elif dormant:
        count = f"{dormant} Deployment{'' if dormant == 1 else 's'}"
        remedy = "to start it: meshmall down, meshmall up"
        context.view.say(f"The mall that was applied before stays stored and does not run ({count}); {remedy}")
    settings = context.settings
    if with_mall:
        context.view.say(f"\nThe mall: [bold]{settings.gateway_url}/[/]")
    context.view.say(f"network: {escape(network_line(context.client.status()['network']))}")
    context.view.say(f"kubectl: export KUBECONFIG={context.home.kubeconfig}")


def stop_requests() -> threading.Event:
    """Is set by SIGTERM and Ctrl-C from now on, also while the mesh is being started."""
    requested = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: requested.set())
    return requested


def stay(context: Context, requested: threading.Event) -> None:
    """Waits until the daemon ends, or stops it when that is requested: what a supervisor of processes expects.

    Raises Failure when the daemon ended by itself, so that the supervisor starts it again; it adopts the pods then.
    """
    while not requested.wait(LOOK_EVERY):
        if context.home.running() is None:
            raise Failure(
                "the daemon has ended", f"see its log: {context.home.daemon_log}; start it again: meshmall up"
            )
    launch.stop(context.home)


def start_mesh(context: Context, options: Mapping[str, Any]) -> int:
    """Starts the daemon; returns how many Deployments it leaves dormant. Raises Failure when it does not come up."""
    home = context.home
    _require_duration(options.get("branch_expires"))
    given = {name: value for name, value in options.items() if value is not None}
    if "network" not in given and (mode := os.environ.get(NETWORK_VARIABLE)):
        given["network"] = _network_mode(mode)
    settings = replace(context.settings, **{"dormant": (), **given})
    settings = replace(settings, address=listen_address(settings.address, expose=settings.expose))
    if warning := exposure(settings.address):
        context.view.warn(warning)
    started: Mapping[str, Any] = {}
    with context.view.step("starting the mesh") as step:
        for report in launch.start(home, settings):
            started = report
        step.result = f"mesh started in {home.path}"
    return int(started.get("dormant", 0))


def mall_names() -> tuple[str, ...]:
    """The mall's Deployments and Services, as the daemon's setting `dormant` names them."""
    objects = read([str(mall_manifest(MALL[0]))])
    return tuple(
        f"{body['kind']} {body['metadata'].get('namespace', NAMESPACE)}/{body['metadata']['name']}"
        for body in objects
        if body["kind"] in ("Deployment", "Service")
    )


def apply_mall(context: Context, names: tuple[str, ...]) -> None:
    """Applies manifests of the mall by name and waits until their Deployments are ready."""
    with context.view.step(f"applying {', '.join(names)}") as step:
        objects = read([str(mall_manifest(name)) for name in names])
        # What the user has scaled, edited or removed since the last `up` is theirs.
        outcome = apply_objects(context, objects, keep_edits=True)
        step.result = f"applied {', '.join(names)}; Envoy acknowledged in {outcome.milliseconds:,.0f} ms"
    with context.view.step("waiting for the pods") as step:
        count = wait_ready(context, outcome.workloads, READY_LIMIT)
        step.result = pods_are_ready(count)


def _network_mode(text: str) -> str:
    modes = [mode.value for mode in NetworkMode]
    if text not in modes:
        raise Failure(f'{NETWORK_VARIABLE}: "{text}" is not a network mode', f"use {', '.join(modes)}", code=2)
    return text


def _require_duration(text: str | None) -> None:
    if text is None:
        return
    try:
        good = seconds(text) > 0
    except ValueError:
        good = False
    if not good:
        raise Failure(f'--branch-expires "{text}": not a duration', "for example 48h or 90m", code=2)
