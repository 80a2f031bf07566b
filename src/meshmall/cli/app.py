"""The commands of `meshmall`, their options and help. What they do is in the modules named after them."""

import sys
from typing import Annotated, NoReturn

import typer

from mesh.daemon.failure import Failure
from meshmall.cli.branch.commands import branch_app
from meshmall.cli.options import FilesOption, HomeOption, NamespaceOption, Outbound, context_of
from meshmall.cli.view import View

HELP = """An online mall of microservices, and the small mesh it runs on.

Takes ordinary Kubernetes and Istio manifests, runs each pod as a process on this machine,
and puts a real Envoy between them.

Begin with `meshmall demo`; look with `meshmall get pods` and `meshmall status`; change it with
`meshmall apply -f FILE`; end it all with `meshmall down`.
"""

AddressOption = Annotated[
    str | None,
    typer.Option(metavar="IP", help="Loopback address of the gateway and NodePorts. Default: 127.0.0.1."),
]
GatewayPortOption = Annotated[
    int | None, typer.Option(metavar="PORT", help="Where the gateway's port 80 listens. Default: 8080.")
]
GatewayHttpsOption = Annotated[
    int | None, typer.Option(metavar="PORT", help="Where the gateway's port 443 listens. Default: 8443.")
]
ApiPortOption = Annotated[int | None, typer.Option(metavar="PORT", help="The API's port. Default: any free port.")]
ConsolePortOption = Annotated[
    int | None, typer.Option(metavar="PORT", help="The web console's port. Default: any free port.")
]

app = typer.Typer(
    help=HELP,
    no_args_is_help=True,
    add_completion=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


app.add_typer(branch_app, name="branch")


@app.command()
def up(
    home: HomeOption = None,
    address: AddressOption = None,
    gateway_port: GatewayPortOption = None,
    gateway_https_port: GatewayHttpsOption = None,
    api_port: ApiPortOption = None,
    console_port: ConsolePortOption = None,
    branch_expires: Annotated[
        str | None,
        typer.Option(metavar="DURATION", help="How long a branch lives that does not say it. Default: 48h."),
    ] = None,
    outbound_traffic_policy: Annotated[
        Outbound | None,
        typer.Option(help="What pods' calls to hosts that the mesh does not know get: 502, or the host. Default: 502."),
    ] = None,
    telemetry: Annotated[
        bool | None,
        typer.Option(
            "--telemetry/--no-telemetry",
            help="Whether requests are followed; if not, branches know neither their last use nor a lost context.",
            show_default="--telemetry",
        ),
    ] = None,
    empty: Annotated[bool, typer.Option("--empty", help="The mesh alone, without the mall.")] = False,
) -> None:
    """Start the mesh with the mall: every service in v1, and the baseline's rules.

    What was applied before is started again. Options are kept for the next start.
    """
    from meshmall.cli.up import bring_up  # noqa: PLC0415

    bring_up(
        context_of(home),
        {
            "address": address,
            "gateway_port": gateway_port,
            "gateway_https_port": gateway_https_port,
            "api_port": api_port,
            "console_port": console_port,
            "branch_expires": branch_expires,
            "telemetry": telemetry,
            "outbound_traffic_policy": outbound_traffic_policy.value if outbound_traffic_policy is not None else None,
        },
        with_mall=not empty,
    )


@app.command()
def demo(
    home: HomeOption = None,
    address: AddressOption = None,
    gateway_port: GatewayPortOption = None,
    gateway_https_port: GatewayHttpsOption = None,
    api_port: ApiPortOption = None,
) -> None:
    """Show the multi-branch environment: jason, fox and everybody else each see their own mall.

    Starts the mesh when none runs, brings jason's and fox's branches, and leaves all running.
    """
    from meshmall.cli.demo import show  # noqa: PLC0415

    show(
        context_of(home),
        {
            "address": address,
            "gateway_port": gateway_port,
            "gateway_https_port": gateway_https_port,
            "api_port": api_port,
        },
    )


@app.command()
def apply(
    filename: FilesOption,
    home: HomeOption = None,
    namespace: NamespaceOption = None,
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Wait until changed Deployments are ready.")] = False,
    timeout: Annotated[float, typer.Option(metavar="SECONDS", help="How long to wait.")] = 60.0,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check all of it, change nothing.")] = False,
) -> None:
    """Create or change objects from manifests; all of them, or none when one is wrong.

    Returns when Envoy has acknowledged what changed, and says in how many milliseconds.
    """
    from meshmall.cli.apply import apply_files  # noqa: PLC0415

    apply_files(context_of(home, namespace), filename, wait=wait, timeout=timeout, dry_run=dry_run)


@app.command()
def delete(
    filename: FilesOption,
    home: HomeOption = None,
    namespace: NamespaceOption = None,
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Wait until their pods have ended.")] = True,
    timeout: Annotated[float, typer.Option(metavar="SECONDS", help="How long to wait.")] = 60.0,
) -> None:
    """Delete the objects that manifests name. Those that are not there are left out."""
    from meshmall.cli.apply import delete_files  # noqa: PLC0415

    delete_files(context_of(home, namespace), filename, wait=wait, timeout=timeout)


@app.command()
def get(
    kind: Annotated[str, typer.Argument(help="pods, deployments, services, virtualservices, all, ...")],
    name: Annotated[str | None, typer.Argument(help="One object's name.")] = None,
    home: HomeOption = None,
    namespace: NamespaceOption = None,
    all_namespaces: Annotated[bool, typer.Option("--all-namespaces", "-A")] = False,
    selector: Annotated[str, typer.Option("--selector", "-l", help="Labels, as app=mall,version=v1")] = "",
    output: Annotated[str, typer.Option("--output", "-o", help="table, wide, json, yaml or name")] = "table",
) -> None:
    """Show objects."""
    from meshmall.cli.get import get_objects  # noqa: PLC0415

    context = context_of(home, namespace)
    get_objects(context, kind, name, all_namespaces=all_namespaces, selector=selector, output=output)


@app.command()
def logs(
    target: Annotated[str, typer.Argument(help="A pod's name, or deployment/NAME for one of its pods.")],
    home: HomeOption = None,
    namespace: NamespaceOption = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on as lines come.")] = False,
    tail: Annotated[int | None, typer.Option(metavar="N", help="The last N lines alone.")] = None,
    container: Annotated[str | None, typer.Option("--container", "-c", metavar="NAME")] = None,
    previous: Annotated[bool, typer.Option("--previous", "-p", help="Of the run before.")] = False,
    timestamps: Annotated[bool, typer.Option("--timestamps", help="With the time of each line.")] = False,
) -> None:
    """Print what a pod's containers have written."""
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
    output: Annotated[str, typer.Option("--output", "-o", help="text or json")] = "text",
) -> None:
    """Say what runs, where it answers, and what is wrong. Exit code 1 when something is not ready."""
    from meshmall.cli.status import show_status  # noqa: PLC0415

    show_status(context_of(home), output)


@app.command()
def route(
    url: Annotated[str, typer.Argument(metavar="URL", help="As the caller would write it: http://products:7000/")],
    home: HomeOption = None,
    namespace: NamespaceOption = None,
    caller: Annotated[
        str, typer.Option("--from", metavar="NAME", help="The calling pod or Deployment. Default: the gateway.")
    ] = "",
    header: Annotated[
        list[str] | None, typer.Option("--header", "-H", metavar="NAME:VALUE", help='As "cookie: user=fox".')
    ] = None,
    method: Annotated[str, typer.Option("--method", "-X", metavar="METHOD")] = "GET",
    output: Annotated[str, typer.Option("--output", "-o", help="text or json")] = "text",
) -> None:
    """Say where a request would go: the rule that takes it, why the earlier ones do not, the destinations."""
    from meshmall.cli.route import show_route  # noqa: PLC0415

    context = context_of(home, namespace)
    show_route(context, url, caller=caller, method=method, headers=header or [], output=output)


@app.command()
def trace(
    url: Annotated[
        str | None,
        typer.Argument(help="A URL of the gateway, or a path. Without: the last request.", show_default=False),
    ] = None,
    home: HomeOption = None,
    branch: Annotated[str, typer.Option("--branch", metavar="NAME", help="Send it in this branch.")] = "",
    header: Annotated[list[str] | None, typer.Option("--header", "-H", metavar="'NAME: VALUE'")] = None,
    method: Annotated[str, typer.Option("--request", "-X", metavar="METHOD")] = "GET",
    request_id: Annotated[str, typer.Option("--id", metavar="ID", help="The request with this x-request-id.")] = "",
    output: Annotated[str, typer.Option("--output", "-o", help="text or json")] = "text",
) -> None:
    """Send a request and print its way through the mesh: who answered, in which version, how fast, by which rule."""
    from meshmall.cli.trace import show_trace  # noqa: PLC0415

    show_trace(
        context_of(home), url, branch=branch, method=method, headers=header or [], request_id=request_id, output=output
    )


@app.command()
def top(
    home: HomeOption = None,
    branch: Annotated[
        str, typer.Option("--branch", metavar="NAME", help='Its requests alone; "-" is the baseline.')
    ] = "",
    window: Annotated[float, typer.Option(metavar="SECONDS", help="Over how long, 5 to 300.")] = 30.0,
    every: Annotated[float, typer.Option(metavar="SECONDS", help="How often it is drawn.")] = 2.0,
    once: Annotated[bool, typer.Option("--once", help="Print it once.")] = False,
    output: Annotated[str, typer.Option("--output", "-o", help="text or json")] = "text",
) -> None:
    """Show every service live: requests, errors, times, processor, memory."""
    from meshmall.cli.top import show_top  # noqa: PLC0415

    show_top(context_of(home), window=window, every=every, once=once, branch=branch, output=output)


@app.command()
def load(
    home: HomeOption = None,
    namespace: NamespaceOption = None,
    seconds: Annotated[float, typer.Option(metavar="SECONDS", help="How long.")] = 30.0,
    users: Annotated[int, typer.Option(metavar="NUMBER", help="How many at once.")] = 8,
    rate: Annotated[float, typer.Option(metavar="NUMBER", help="Requests a second, all together.")] = 20.0,
    branch: Annotated[
        list[str] | None,
        typer.Option("--branch", metavar="NAME", help="Visitors of this branch. Default: of every one."),
    ] = None,
    output: Annotated[str, typer.Option("--output", "-o", help="text or json")] = "text",
) -> None:
    """Drive the mall as a mix of users, so that there is something to see. Exit code 1 when a request failed."""
    from meshmall.cli.load import drive  # noqa: PLC0415

    drive(context_of(home, namespace), seconds=seconds, users=users, rate=rate, branches=branch or [], output=output)


@app.command()
def console(
    home: HomeOption = None,
    only_print: Annotated[bool, typer.Option("--print", help="Print the address, open nothing.")] = False,
) -> None:
    """Open the web console: topology, requests, branches, workloads and rules, live."""
    from meshmall.cli.console import open_console  # noqa: PLC0415

    open_console(context_of(home), only_print=only_print)


@app.command()
def analyze(
    filename: Annotated[
        list[str] | None,
        typer.Option("--filename", "-f", metavar="FILE", help="A manifest, a folder of them, or - for stdin."),
    ] = None,
    home: HomeOption = None,
    namespace: NamespaceOption = None,
    alone: Annotated[bool, typer.Option("--alone", help="The files alone, not among what the mesh has.")] = False,
    output: Annotated[str, typer.Option("--output", "-o", help="text or json")] = "text",
) -> None:
    """Look for what is wrong with rules, without applying them. Exit code 1 when there is an error.

    Without files: what the running mesh has.
    """
    from meshmall.cli.analyze import analyze_files  # noqa: PLC0415

    analyze_files(context_of(home, namespace), filename or [], alone=alone, output=output)


@app.command()
def kubeconfig(home: HomeOption = None) -> None:
    """Print the path of the kubeconfig: `export KUBECONFIG=$(meshmall kubeconfig)`."""
    context = context_of(home)
    context.home.require_running()
    context.view.plain(str(context.home.kubeconfig))


@app.command()
def down(
    home: HomeOption = None,
    purge: Annotated[bool, typer.Option("--purge", help="Also remove all that the mesh keeps in its home.")] = False,
) -> None:
    """End the mesh and everything it started. What was applied is kept for the next start."""
    from meshmall.cli.down import bring_down  # noqa: PLC0415

    bring_down(context_of(home), purge=purge)


def run() -> NoReturn:
    """Runs the command line; failures become a message on stderr and the exit code."""
    code = 0
    try:
        code = app(standalone_mode=True) or 0
    except Failure as failure:
        View().failure(failure.message, failure.remedy)
        code = failure.code
    except KeyboardInterrupt:
        code = 130
    except BrokenPipeError:
        sys.stdout = None  # the reader left; nothing more can be said
        code = 141
    sys.exit(code)
