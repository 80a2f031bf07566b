"""The commands of `meshmall`, their options and help. What a command does is in the module named after it."""

import os
import sys
from collections.abc import Callable, Sequence
from enum import StrEnum
from io import TextIOWrapper
from pathlib import Path
from typing import Annotated, NoReturn

from mesh.client.errors import ApiError
from mesh.daemon.failure import Failure
from meshmall.cli.branch.commands import branch
from meshmall.cli.declare import Argument, Group, Option
from meshmall.cli.image.commands import image
from meshmall.cli.interrupts import end_quietly, raise_interrupts, state_left
from meshmall.cli.options import (
    AllNamespacesOption,
    FilesOption,
    HeadersOption,
    HomeOption,
    ImageMode,
    JsonOutputOption,
    MethodOption,
    NamespaceOption,
    NetworkMode,
    ObjectsOutputOption,
    Outbound,
    PrintOption,
    TimeoutOption,
    common,
    context_of,
    require_output,
)
from meshmall.cli.quick import read
from meshmall.cli.snapshot_commands import snapshot
from meshmall.cli.view import View
from meshmall.cli.words import with_options_last

HELP = """Run a system of microservices on one machine, with a real Envoy between the services.

Takes ordinary Kubernetes and Istio manifests and runs each pod as a process. An online mall is included.

Start with `meshmall demo`; look around with `meshmall status` and `meshmall get pods`; change things with
`meshmall apply -f FILE`; stop everything with `meshmall down`.
"""


class Shell(StrEnum):
    """The shells for which there is completion."""

    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"


AddressOption = Annotated[
    str | None,
    Option(metavar="IP", help="Loopback address of the gateway and NodePorts. Default: 127.0.0.1."),
]
ExposeOption = Annotated[
    bool | None,
    Option(
        "--expose/--no-expose",
        help="Allow an --address that other machines can reach. Whoever does calls your services without a password.",
        show_default=False,
    ),
]
GatewayPortOption = Annotated[int | None, Option(metavar="PORT", help="Port for the gateway's port 80. Default: 8080.")]
GatewayHttpsOption = Annotated[
    int | None, Option(metavar="PORT", help="Port for the gateway's port 443. Default: 8443.")
]
ApiPortOption = Annotated[int | None, Option(metavar="PORT", help="Port of the API. Default: any free port.")]
ConsolePortOption = Annotated[
    int | None,
    Option(metavar="PORT", help="Port of the web console. Default: 20080 or the next free one; it stays the same."),
]

app = Group(HELP, everywhere=common)
app.add(branch)
app.add(snapshot)
app.add(image)


def _print_version() -> None:
    from importlib.metadata import version  # noqa: PLC0415

    View().plain(f"meshmall {version('mesh-mall')}")


def options(
    home: HomeOption = None,
    namespace: NamespaceOption = None,
    version: Annotated[bool, Option("--version", help="Print the version and exit.", action=_print_version)] = False,
) -> None:
    """Only declares them: `--version` has an action, and the others are the command's (see `meshmall.cli.words`)."""


app.options = options


@app.command()
def up(
    home: HomeOption = None,
    address: AddressOption = None,
    expose: ExposeOption = None,
    gateway_port: GatewayPortOption = None,
    gateway_https_port: GatewayHttpsOption = None,
    api_port: ApiPortOption = None,
    console_port: ConsolePortOption = None,
    branch_expires: Annotated[
        str | None,
        Option(metavar="DURATION", help="Lifetime of a branch that does not set its own. Default: 48h."),
    ] = None,
    outbound_traffic_policy: Annotated[
        Outbound | None,
        Option(help="Calls from pods to hosts unknown to the mesh: answer 502, or let them through. Default: 502."),
    ] = None,
    network: Annotated[
        NetworkMode | None,
        Option(
            help="How pods are connected: in network namespaces of their own, or on loopback addresses. Default: auto, "
            "which takes namespaces where the machine allows them."
        ),
    ] = None,
    images: Annotated[
        ImageMode | None,
        Option(
            help="Which containers run from their images: those without a program on this machine (auto, the default), "
            "all that images.yaml does not map (always), or none (never)."
        ),
    ] = None,
    images_unused: Annotated[
        str | None,
        Option(metavar="DURATION", help="How long an image stays on disk that no pod uses. Default: 336h."),
    ] = None,
    telemetry: Annotated[
        bool | None,
        Option(
            "--telemetry/--no-telemetry",
            help="Trace requests. Without, a branch's last use and lost context are unknown.",
            show_default="--telemetry",
        ),
    ] = None,
    empty: Annotated[bool, Option("--empty", help="Start the mesh without the mall.")] = False,
    foreground: Annotated[
        bool,
        Option("--foreground", help="Stay until the mesh ends, and stop it at SIGTERM: for systemd, or a container."),
    ] = False,
    output: JsonOutputOption = "text",
) -> None:
    """Start the mesh with the mall: v1 of every service, and the baseline's rules.

    Everything applied earlier starts again. Options are remembered for the next start.
    """
    from meshmall.cli.up import bring_up, stay, stop_requests  # noqa: PLC0415

    context = context_of(home)
    requested = stop_requests() if foreground else None
    if foreground and (running := context.home.running()) is not None:
        # Whoever supervises this process would believe that it is the mesh's.
        raise Failure(f"a mesh is already running in {context.home.path} (pid {running.pid})", "stop it: meshmall down")
    bring_up(
        context,
        {
            "address": address,
            "expose": expose,
            "gateway_port": gateway_port,
            "gateway_https_port": gateway_https_port,
            "api_port": api_port,
            "console_port": console_port,
            "branch_expires": branch_expires,
            "telemetry": telemetry,
            "outbound_traffic_policy": outbound_traffic_policy.value if outbound_traffic_policy is not None else None,
            "network": network.value if network is not None else None,
            "images": images.value if images is not None else None,
            "images_unused": images_unused,
        },
        with_mall=not empty,
        output=output,
    )
    if requested is not None:
        stay(context, requested)


@app.command()
def demo(
    home: HomeOption = None,
    address: AddressOption = None,
    expose: ExposeOption = None,
    gateway_port: GatewayPortOption = None,
    gateway_https_port: GatewayHttpsOption = None,
    api_port: ApiPortOption = None,
    output: JsonOutputOption = "text",
) -> None:
    """Demonstrate branches: jason, fox and everybody else each see their own mall.

    Starts the mesh if it isn't running, deploys jason's and fox's versions, and leaves everything running.
    """
    from meshmall.cli.demo import show  # noqa: PLC0415

    show(
        context_of(home),
        {
            "address": address,
            "expose": expose,
            "gateway_port": gateway_port,
            "gateway_https_port": gateway_https_port,
            "api_port": api_port,
        },
        output,
    )


@app.command()
def init(
    source: Annotated[
        Path, Argument("A compose file, or a folder with one, with Dockerfiles or with code.", show_default=False)
    ] = Path(),
    output: Annotated[Path, Option("--output", "-o", metavar="FOLDER", help="Where to write.")] = Path("mesh"),
    force: Annotated[bool, Option("--force", help="Overwrite files that are there.")] = False,
) -> None:
    """Write manifests and an images.yaml for your own system, from a compose file, Dockerfiles or folders of code.

    Says what it could not translate, and which commands run the result.
    """
    from meshmall.cli.init import init as write  # noqa: PLC0415

    write(View(), source, output, force=force)


@app.command()
def apply(
    filename: FilesOption,
    home: HomeOption = None,
    namespace: NamespaceOption = None,
    wait: Annotated[bool, Option("--wait/--no-wait", help="Wait until the applied Deployments are ready.")] = False,
    timeout: TimeoutOption = 60.0,
    dry_run: Annotated[bool, Option("--dry-run", help="Check everything, change nothing.")] = False,
    output: ObjectsOutputOption = "text",
) -> None:
    """Create or update the objects in manifests: all of them, or none if one is invalid.

    Returns once Envoy has acknowledged the change, and prints how long that took.
    """
    from meshmall.cli.apply import apply_files  # noqa: PLC0415

    context = context_of(home, namespace)
    apply_files(context, filename, wait=wait, timeout=timeout, dry_run=dry_run, output=output)


@app.command()
def delete(
    objects: Annotated[
        list[str] | None,
        Argument("What to delete, without -f.", "[KIND NAME... | KIND/NAME...]", show_default=False, complete="object"),
    ] = None,
    filename: Annotated[
        list[str] | None, Option("--filename", "-f", metavar="FILE", help="A manifest, a folder, or - for stdin.")
    ] = None,
    home: HomeOption = None,
    namespace: NamespaceOption = None,
    wait: Annotated[bool, Option("--wait/--no-wait", help="Wait until their pods have stopped.")] = True,
    timeout: TimeoutOption = 60.0,
    output: Annotated[str, Option("--output", "-o", help="text, json or name")] = "text",
) -> None:
    """Delete objects, by name or those in manifests. Objects that do not exist are reported and skipped."""
    from meshmall.cli.delete import delete_named_or_files  # noqa: PLC0415

    context = context_of(home, namespace)
    delete_named_or_files(context, objects or [], filename or [], wait=wait, timeout=timeout, output=output)


@app.command()
def restart(
    objects: Annotated[
        list[str], Argument("A name alone is a Deployment's.", "NAME... | KIND/NAME...", complete="deployment")
    ],
    home: HomeOption = None,
    namespace: NamespaceOption = None,
    wait: Annotated[bool, Option("--wait/--no-wait", help="Wait until the new pods are ready.")] = True,
    timeout: TimeoutOption = 60.0,
    output: ObjectsOutputOption = "text",
) -> None:
    """Replace the pods of Deployments or StatefulSets by new ones, without a failed request."""
    from meshmall.cli.restart import restart as restart_all  # noqa: PLC0415

    restart_all(context_of(home, namespace), objects, wait=wait, timeout=timeout, output=output)


@app.command()
def describe(
    objects: Annotated[
        list[str], Argument("For example pod mall-v1-x.", "KIND NAME... | KIND/NAME...", complete="object")
    ],
    home: HomeOption = None,
    namespace: NamespaceOption = None,
    output: Annotated[str, Option("--output", "-o", help="text, json or yaml")] = "text",
) -> None:
    """Show one object with its conditions, its containers' states and its events."""
    from meshmall.cli.describe import describe as describe_all  # noqa: PLC0415

    describe_all(context_of(home, namespace), objects, output)


@app.command()
def get(
    kind: Annotated[str, Argument(help="pods, deployments, services, virtualservices, all, ...", complete="kind")],
    name: Annotated[str | None, Argument(help="Name of one object.", complete="name")] = None,
    home: HomeOption = None,
    namespace: NamespaceOption = None,
    all_namespaces: AllNamespacesOption = False,
    selector: Annotated[str, Option("--selector", "-l", help="Label selector, for example app=mall,version=v1")] = "",
    output: Annotated[str, Option("--output", "-o", help="table, wide, json, yaml or name")] = "table",
    watch: Annotated[bool, Option("--watch", "-w", help="Then print every change, until Ctrl-C.")] = False,
) -> None:
    """List objects, or show one."""
    from meshmall.cli.get import get_objects  # noqa: PLC0415

    context = context_of(home, namespace)
    get_objects(context, kind, name, all_namespaces=all_namespaces, selector=selector, output=output, watch=watch)


@app.command()
def logs(
    target: Annotated[str, Argument(help="A pod's name, or deployment/NAME for one of its pods.", complete="pod")],
    home: HomeOption = None,
    namespace: NamespaceOption = None,
    follow: Annotated[bool, Option("--follow", "-f", help="Keep printing new lines.")] = False,
    tail: Annotated[int | None, Option(metavar="N", help="Only the last N lines.")] = None,
    container: Annotated[str | None, Option("--container", "-c", metavar="NAME", help="Default: the first.")] = None,
    previous: Annotated[bool, Option("--previous", "-p", help="The previous run of the container.")] = False,
    timestamps: Annotated[bool, Option("--timestamps", help="Prefix each line with its time.")] = False,
) -> None:
    """Print a pod's log."""
    from meshmall.cli.logs import print_logs  # noqa: PLC0415

    print_logs(
        context_of(home, namespace),
        target,
        follow=follow,
        tail=tail,
        container=container,
        previous=previous,
        timestamps=timestamps,
    )


@app.command()
def status(
    home: HomeOption = None,
    output: JsonOutputOption = "text",
) -> None:
    """Show what is running, its addresses and its problems. Exit code 1 if there are problems."""
    from meshmall.cli.status import show_status  # noqa: PLC0415

    show_status(context_of(home), output)


@app.command()
def route(
    url: Annotated[
        str, Argument(metavar="URL", help="As the caller would write it, for example http://products:7000/")
    ],
    home: HomeOption = None,
    namespace: NamespaceOption = None,
    caller: Annotated[
        str,
        Option(
            "--from", metavar="NAME", help="The calling pod or Deployment. Default: the gateway.", complete="caller"
        ),
    ] = "",
    header: HeadersOption = None,
    method: MethodOption = "GET",
    output: JsonOutputOption = "text",
) -> None:
    """Show where a request would go: the rule that matches, why earlier rules do not, and the destinations."""
    from meshmall.cli.route import show_route  # noqa: PLC0415

    context = context_of(home, namespace)
    show_route(context, url, caller=caller, method=method, headers=header or [], output=output)


@app.command()
def trace(
    url: Annotated[
        str | None,
        Argument(help="A URL of the gateway, or a path. Default: show the last request.", show_default=False),
    ] = None,
    home: HomeOption = None,
    branch: Annotated[
        str, Option("--branch", metavar="NAME", help="Send the request in this branch.", complete="branch")
    ] = "",
    header: HeadersOption = None,
    method: MethodOption = "GET",
    request_id: Annotated[
        str, Option("--id", metavar="ID", help="The request with this x-request-id or trace id.")
    ] = "",
    output: JsonOutputOption = "text",
) -> None:
    """Send a request and print its path through the mesh: which pod answered each call, how fast, by which rule."""
    from meshmall.cli.trace import show_trace  # noqa: PLC0415

    show_trace(
        context_of(home), url, branch=branch, method=method, headers=header or [], request_id=request_id, output=output
    )


@app.command()
def top(
    home: HomeOption = None,
    namespace: Annotated[
        str | None,
        Option(
            "--namespace",
            "-n",
            metavar="NAME",
            help="Only its services. Default: all.",
            show_default=False,
            complete="namespace",
        ),
    ] = None,
    branch: Annotated[
        str, Option("--branch", metavar="NAME", help='Only its requests; "-" is the baseline.', complete="branch")
    ] = "",
    window: Annotated[float, Option(metavar="SECONDS", help="Length of the window, 5 to 300.")] = 30.0,
    every: Annotated[float, Option(metavar="SECONDS", help="Refresh interval.")] = 2.0,
    once: Annotated[bool, Option("--once", help="Print once and exit.")] = False,
    output: JsonOutputOption = "text",
) -> None:
    """Show every service live: requests, errors, latency, CPU, memory."""
    from meshmall.cli.top import show_top  # noqa: PLC0415

    show_top(context_of(home), namespace, window=window, every=every, once=once, branch=branch, output=output)


@app.command()
def load(
    home: HomeOption = None,
    namespace: NamespaceOption = None,
    seconds: Annotated[float, Option(metavar="SECONDS", help="Duration.")] = 30.0,
    users: Annotated[int, Option(metavar="NUMBER", help="Number of concurrent users.")] = 8,
    rate: Annotated[float, Option(metavar="NUMBER", help="Requests per second, in total.")] = 20.0,
    branch: Annotated[
        list[str] | None,
        Option(
            "--branch",
            metavar="NAME",
            help="Also send requests in this branch. Default: in every branch.",
            complete="branch",
        ),
    ] = None,
    output: JsonOutputOption = "text",
) -> None:
    """Send the mall a mix of users' requests, to have something to look at. Exit code 1 if a request failed."""
    from meshmall.cli.load import drive  # noqa: PLC0415

    drive(context_of(home, namespace), seconds=seconds, users=users, rate=rate, branches=branch or [], output=output)


@app.command()
def canary(
    service: Annotated[str, Argument("The Service whose requests the version gets.", complete="service")],
    version: Annotated[str, Argument("A subset of its DestinationRule, or its pods' label `version`.")],
    home: HomeOption = None,
    namespace: NamespaceOption = None,
    step: Annotated[int, Option(metavar="PERCENT", help="How much more it gets with every step.")] = 10,
    max_errors: Annotated[str, Option(metavar="PERCENT", help="How many of its requests may fail.")] = "1%",
    max_latency: Annotated[
        str, Option(metavar="DURATION", help="Its 99th percentile. Default: any.", show_default=False)
    ] = "",
    interval: Annotated[str, Option(metavar="DURATION", help="How long a step takes at least.")] = "10s",
    min_requests: Annotated[int, Option(metavar="NUMBER", help="Requests that a judgement needs, per step.")] = 20,
    timeout: Annotated[float, Option(metavar="SECONDS", help="How long a step waits for enough requests.")] = 30.0,
    replaced: Annotated[
        str, Option("--from", metavar="VERSION", help="Whose requests it gets, if several answer.", show_default=False)
    ] = "",
    output: JsonOutputOption = "text",
) -> None:
    """Give a version a growing share of a service's requests, and judge it by what the mesh sees of them.

    When it fails, when you press Ctrl-C, or when this command or the mesh ends, the former rules come back exactly as
    they were. Exit code 1 if it was rolled back.
    """
    from meshmall.cli.canary.judging import Limits, duration  # noqa: PLC0415
    from meshmall.cli.canary.run import Steps, run  # noqa: PLC0415

    require_output(output, "text", "json")
    limits = Limits.of(max_errors, max_latency, min_requests)
    steps = Steps(step, duration("--interval", interval), timeout)
    run(context_of(home, namespace), service, version, replaced, steps, limits, output)


@app.command()
def console(
    home: HomeOption = None,
    only_print: PrintOption = False,
) -> None:
    """Open the web console: topology, requests, branches, workloads and rules, live."""
    from meshmall.cli.console import open_console  # noqa: PLC0415

    open_console(context_of(home), only_print=only_print)


@app.command()
def report(
    output: Annotated[
        str, Option("--output", "-o", metavar="FILE", help="Its name ends in .html or .md; - prints Markdown.")
    ] = "meshmall-report.html",
    home: HomeOption = None,
) -> None:
    """Write the state of the mesh into one file, to attach to a CI run or a bug report. Secrets are left out.

    Health, versions, workloads, branches, who calls whom, requests that failed, warnings, and the daemon's log.
    """
    from meshmall.cli.report import write_report  # noqa: PLC0415

    write_report(context_of(home), output)


@app.command()
def analyze(
    filename: Annotated[
        list[str] | None,
        Option("--filename", "-f", metavar="FILE", help="A manifest, a folder of them, or - for stdin."),
    ] = None,
    home: HomeOption = None,
    namespace: NamespaceOption = None,
    alone: Annotated[bool, Option("--alone", help="Analyze only the files, ignoring what is in the mesh.")] = False,
    output: JsonOutputOption = "text",
) -> None:
    """Find problems in rules without applying them. Exit code 1 if there is an error.

    Without files, analyzes what is in the running mesh.
    """
    from meshmall.cli.analyze import analyze_files  # noqa: PLC0415

    analyze_files(context_of(home, namespace), filename or [], alone=alone, output=output)


@app.command()
def mcp(
    home: HomeOption = None,
    namespace: NamespaceOption = None,
) -> None:
    """Serve the mesh's tools to a coding agent (Model Context Protocol, on standard input and output)."""
    context = context_of(home, namespace)
    try:
        from meshmall.mcp.server import serve  # noqa: PLC0415
    except ModuleNotFoundError as error:
        if error.name is None or not error.name.startswith(("mcp", "pydantic")):
            raise
        raise Failure("the package mcp is not installed", "pip install 'mesh-mall[mcp]'") from None
    serve(context)


@app.command()
def kubeconfig(home: HomeOption = None) -> None:
    """Print the path of the kubeconfig: `export KUBECONFIG="$(meshmall kubeconfig)"`."""
    context = context_of(home)
    context.home.require_running()
    context.view.plain(str(context.home.kubeconfig))


@app.command()
def schema(
    kind: Annotated[str, Argument(help="branch, deployment, virtualservice, ...", complete="kind")],
    home: HomeOption = None,
) -> None:
    """Print the JSON Schema of a kind, for editors that complete and check YAML."""
    from meshmall.cli.schema import print_schema  # noqa: PLC0415

    print_schema(context_of(home), kind)


@app.command()
def completion(shell: Annotated[Shell, Argument("bash, zsh or fish.")]) -> None:
    """Print a script that completes commands and names: `source <(meshmall completion bash)`.

    zsh: the same, after compinit. fish: `meshmall completion fish | source`.
    """
    from meshmall.cli.completion import script  # noqa: PLC0415

    View().plain(script(shell.value))


@app.command()
def down(
    home: HomeOption = None,
    purge: Annotated[bool, Option("--purge", help="Also remove everything the mesh has saved in its home.")] = False,
) -> None:
    """Stop the mesh and everything it started. Applied objects are kept for the next start."""
    from meshmall.cli.down import bring_down  # noqa: PLC0415

    bring_down(context_of(home), purge=purge)


def run() -> NoReturn:
    """Runs the command line; a failure becomes a message on stderr and an exit code."""
    # A terminal or a locale without UTF-8 gets what it can show instead of a traceback.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        code = _exit_code(sys.argv[1:])
        # Here and not when the interpreter ends, which would print a traceback.
        sys.stdout.flush()
    except BrokenPipeError:
        sys.stdout = None  # the reader has gone; nothing more can be printed
        code = 141
    sys.exit(code)


def _exit_code(words: Sequence[str]) -> int | str | None:
    """Runs a command line; returns what `sys.exit` takes."""
    try:
        try:
            raise_interrupts()
            execute(words)
        finally:
            end_quietly()
    except SystemExit as end:
        return end.code
    except Failure as failure:
        View().failure(failure.message, failure.remedy)
        return failure.code
    except ApiError as error:
        View().failure(error.message)
        return 1
    except KeyboardInterrupt as interrupt:
        if leaves := state_left(interrupt, words):
            View().failure("interrupted", leaves)
        return 130
    return 0


def _with_typer(command_line: Callable[[list[str]], None], words: list[str]) -> None:
    before = _where_stdout_goes()
    try:
        command_line(words)
    except SystemExit:
        # To typer and rich a closed pipe is exit code 1; they put something in its place that takes what is left.
        if _where_stdout_goes() != before:
            raise BrokenPipeError from None
        raise


def _where_stdout_goes() -> tuple[int, int]:
    """Python's object, and the file or pipe that is open below it."""
    return id(sys.stdout), os.fstat(1).st_ino


def execute(words: Sequence[str]) -> None:
    """Runs a command line: by the declarations alone where that is possible, through typer otherwise.

    Raises Failure and ApiError as the commands do, and SystemExit after help, completion and mistakes.
    """
    # The shell asks for completions through a variable named after the program.
    completing = any(name.startswith("_") and name.endswith("_COMPLETE") for name in os.environ)
    words = with_options_last(app, words)
    call = None if completing else read(app, words)
    if call is None:
        from meshmall.cli.full import typer_app  # noqa: PLC0415 - and typer with it: see meshmall.cli.declare

        _with_typer(typer_app(app), words)
    else:
        call.function(**call.values)
