"""`meshmall up`: starts the daemon, and applies the mall's v1 and the baseline's rules."""

import json
import os
import signal
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from enum import StrEnum
from typing import Any

from mesh.client.errors import ApiError
from mesh.daemon import launch
from mesh.daemon.address import exposure, listen_address
from mesh.daemon.failure import Failure
from mesh.resources.values.durations import seconds
from mesh.resources.values.ref import Ref
from meshmall.cli.apply import apply_objects, pods_are_ready, wait_ready
from meshmall.cli.context import Context, use_kubeconfig
from meshmall.cli.interrupts import Interrupted, postponed
from meshmall.cli.markup import escape
from meshmall.cli.options import ImageMode, NetworkMode, require_output
from meshmall.cli.status import network_line
from meshmall.defaults import NAMESPACE
from meshmall.manifests import mall_manifest, read

MALL = ("mesh-mall-v1.yaml", "mesh-routing.yaml")
READY_LIMIT = 60.0
# Seconds between two looks at the daemon.
LOOK_EVERY = 0.5
# The default of --network, for machines and CI jobs where every mesh should have the same.
NETWORK_VARIABLE = "MESHMALL_NETWORK"
# The default of --images.
IMAGES_VARIABLE = "MESHMALL_IMAGES"


def bring_up(context: Context, options: Mapping[str, Any], *, with_mall: bool, output: str = "text") -> None:
    """Starts the mesh and prints its addresses. An option that is None keeps the home's setting.

    Of a mesh that runs already nothing changes: the mall is not added to one that runs without it.
    """
    require_output(output, "text", "json")
    if output == "json":
        context.view.only_data()
    workloads: Sequence[Ref] = ()
    dormant = 0
    if is_running_already(context, options):
        context.view.say(
            f"the mesh is already running in {context.home.path}: [bold]{context.settings.gateway_url}/[/]"
        )
        with_mall = False
    else:
        with stopped_when_cut_short(context):
            dormant = start_mesh(context, options if with_mall else {**options, "dormant": mall_names()})
            if with_mall:
                workloads = apply_mall(context, MALL)
    if with_mall:
        wait_for_mall(context, workloads)
    elif dormant:
        count = f"{dormant} Deployment{'' if dormant == 1 else 's'}"
        remedy = "to start it: meshmall down, meshmall up"
        context.view.say(f"The mall that was applied before stays stored and does not run ({count}); {remedy}")
    settings, network = context.settings, context.client.status()["network"]
    if output == "json":
        body = {"home": str(context.home.path), "gateway": settings.gateway_url, "network": network}
        context.view.plain(json.dumps({**body, "kubeconfig": str(context.home.kubeconfig)}, indent=2))
        return
    if with_mall:
        context.view.say(f"\nThe mall: [bold]{settings.gateway_url}/[/]")
    context.view.say(f"network: {escape(network_line(network))}")
    context.view.say(f"images: {escape(in_force(context.client.status().get('images') or {}))}")
    context.view.say(f"kubectl: {use_kubeconfig(context)}")


def is_running_already(context: Context, options: Mapping[str, Any]) -> bool:
    """Whether the mesh runs, as these options want it. Raises Failure when it runs with others."""
    running = context.home.running()
    if running is None:
        return False
    settings = context.settings
    differing = {
        name: value for name, value in options.items() if value is not None and getattr(settings, name) != value
    }
    if differing:
        names = ", ".join(f"--{name.replace('_', '-')} {value}" for name, value in differing.items())
        raise Failure(
            f"a mesh is already running in {context.home.path} (pid {running.pid}), without {names}",
            "options take effect at the next start: meshmall down, then this command again; "
            "or give a second mesh another home: MESHMALL_HOME=... or --home",
        )
    return True


@contextmanager
def stopped_when_cut_short(context: Context) -> Iterator[None]:
    """Stops the mesh again that the body has started, when the body fails or is interrupted after that.

    A mesh without the objects that it was started for would be there and answer nothing.
    """
    before = context.home.running()
    try:
        yield
    except (Failure, ApiError, KeyboardInterrupt) as cause:
        if before is not None:
            raise
        with postponed():
            stopped = launch.stop(context.home) if context.home.running() != before else False
        if isinstance(cause, KeyboardInterrupt):
            raise Interrupted(f"no mesh is running in {context.home.path}") from None
        if stopped and isinstance(cause, Failure):
            remedy = "; ".join(filter(None, (cause.remedy, "the mesh was stopped again")))
            raise Failure(cause.message, remedy, cause.code) from None
        raise


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
    _require_duration("--branch-expires", options.get("branch_expires"))
    _require_duration("--images-unused", options.get("images_unused"))
    given = {name: value for name, value in options.items() if value is not None}
    if "network" not in given and (mode := os.environ.get(NETWORK_VARIABLE)):
        given["network"] = _mode(mode, NetworkMode, NETWORK_VARIABLE)
    if "images" not in given and (mode := os.environ.get(IMAGES_VARIABLE)):
        given["images"] = _mode(mode, ImageMode, IMAGES_VARIABLE)
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


def apply_mall(context: Context, names: tuple[str, ...]) -> Sequence[Ref]:
    """Applies manifests of the mall by name; returns the workloads among them."""
    with context.view.step(f"applying {', '.join(names)}") as step:
        objects = read([str(mall_manifest(name)) for name in names])
        # What the user has scaled, edited or removed since the last `up` is theirs.
        outcome = apply_objects(context, objects, keep_edits=True)
        step.result = f"applied {', '.join(names)}; Envoy acknowledged in {outcome.milliseconds:,.0f} ms"
    return outcome.workloads


def wait_for_mall(context: Context, workloads: Sequence[Ref]) -> None:
    """Waits until the mall's pods are ready. Raises Failure with what keeps them."""
    try:
        with context.view.step("waiting for the pods") as step:
            count = wait_ready(context, workloads, READY_LIMIT)
            step.result = pods_are_ready(count)
    except KeyboardInterrupt:
        raise Interrupted("the mesh is running, and its pods go on starting; see: meshmall status") from None


def in_force(images: Mapping[str, str]) -> str:
    """Which containers run from their images, in one line."""
    if why_not := images.get("whyNot"):
        return why_not
    return {
        "always": "containers run from their images, but for those that images.yaml maps to programs",
        "never": "none; every container runs a program of this machine",
    }.get(images.get("mode", ""), "containers run from their images where this machine has no program for them")


def _mode(text: str, modes: type[StrEnum], variable: str) -> str:
    values = [mode.value for mode in modes]
    if text not in values:
        what = "a network mode" if modes is NetworkMode else "a way to run images"
        raise Failure(f'{variable}: "{text}" is not {what}', f"use {', '.join(values)}", code=2)
    return text


def _require_duration(option: str, text: str | None) -> None:
    if text is None:
        return
    try:
        good = seconds(text) > 0
    except ValueError:
        good = False
    if not good:
        raise Failure(f'{option} "{text}": not a duration', "for example 48h or 90m", code=2)
