"""The commands of `meshmall`, their options and help. What they do is in the modules named after them."""

import sys
from typing import Annotated, NoReturn

import typer

from mesh.cli.branch.commands import branch_app
from mesh.cli.failure import Failure
from mesh.cli.options import FilesOption, HomeOption, NamespaceOption, context_of
from mesh.cli.view import View

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
    branch_expires: Annotated[
        str | None,
        typer.Option(metavar="DURATION", help="How long a branch lives that does not say it. Default: 48h."),
    ] = None,
    empty: Annotated[bool, typer.Option("--empty", help="The mesh alone, without the mall.")] = False,
) -> None:
    """Start the mesh with the mall: every service in v1, and the baseline's rules.

    What was applied before is started again. Options are kept for the next start.
    """
    from mesh.cli.up import bring_up  # noqa: PLC0415

    bring_up(
        context_of(home),
        {
            "address": address,
            "gateway_port": gateway_port,
            "gateway_https_port": gateway_https_port,
            "api_port": api_port,
            "branch_expires": branch_expires,
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
    from mesh.cli.demo import show  # noqa: PLC0415

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
    from mesh.cli.apply import apply_files  # noqa: PLC0415

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
    from mesh.cli.apply import delete_files  # noqa: PLC0415

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
    from mesh.cli.get import get_objects  # noqa: PLC0415

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
    from mesh.cli.logs import print_logs  # noqa: PLC0415

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
    from mesh.cli.status import show_status  # noqa: PLC0415

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
    from mesh.cli.route import show_route  # noqa: PLC0415

    context = context_of(home, namespace)
    show_route(context, url, caller=caller, method=method, headers=header or [], output=output)


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
    from mesh.cli.analyze import analyze_files  # noqa: PLC0415

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
    from mesh.cli.down import bring_down  # noqa: PLC0415

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
