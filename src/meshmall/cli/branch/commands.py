"""The commands of `meshmall branch`, their options and help."""

import sys
from typing import Annotated, Any

from mesh.daemon.failure import Failure
from mesh.resources.values.ref import BRANCH, GroupKind
from meshmall.cli.branch.data_commands import data as data_group
from meshmall.cli.declare import Argument, Group, Option
from meshmall.cli.options import (
    AllNamespacesOption,
    HeadersOption,
    HomeOption,
    JsonOutputOption,
    MethodOption,
    NamespaceOption,
    ObjectsOutputOption,
    PrintOption,
    TimeoutOption,
    common,
    context_of,
)

HELP = """Your own view of the running system: what you change, and who sees it.

`meshmall branch create fox --cookie user=fox --fork discount --env BANNER=true` gives everybody with the cookie
`user=fox` a different discount service; nobody else notices.
"""

Name = Annotated[str, Argument(help="The branch's name; git branch names are accepted.", complete="branch")]

branch = Group(HELP, name="branch", everywhere=common)
branch.add(data_group)


def _option(help_: str, metavar: str, complete: str = "") -> Option:
    return Option(help=help_, metavar=metavar, show_default=False, complete=complete)


@branch.command()
def create(
    name: Annotated[str | None, Argument(help="The branch's name; git branch names are accepted.")] = None,
    home: HomeOption = None,
    namespace: NamespaceOption = None,
    filename: Annotated[str | None, Option("--filename", "-f", metavar="FILE", help="A Branch as YAML.")] = None,
    from_git: Annotated[
        bool,
        Option("--from-git", help="Name it after the git branch; run this worktree's code."),
    ] = False,
    fork: Annotated[
        list[str] | None, _option("Copy this service from the baseline, to change it.", "SERVICE", "service")
    ] = None,
    env: Annotated[list[str] | None, _option("Set a variable in every fork, or in one.", "[SERVICE:]KEY=VALUE")] = None,
    image: Annotated[list[str] | None, _option("Use another image in a fork.", "[SERVICE=]IMAGE")] = None,
    command: Annotated[list[str] | None, _option("Use another command in a fork.", "SERVICE=COMMAND")] = None,
    directory: Annotated[
        list[str] | None,
        Option(
            "--dir",
            help="Run the code in this folder in every fork, or in one.",
            metavar="[SERVICE=]FOLDER",
            show_default=False,
        ),
    ] = None,
    replicas: Annotated[list[str] | None, _option("Number of a fork's pods.", "SERVICE=NUMBER")] = None,
    version: Annotated[list[str] | None, _option("Use an existing version of a service.", "SERVICE=VERSION")] = None,
    url: Annotated[list[str] | None, _option("Use a process that you run yourself.", "SERVICE=URL")] = None,
    new: Annotated[list[str] | None, _option("Add a service that only it has.", "SERVICE:PORT=COMMAND")] = None,
    include: Annotated[list[str] | None, _option("Also see the changes of another branch.", "BRANCH", "branch")] = None,
    cookie: Annotated[list[str] | None, _option("Enter by this cookie.", "NAME=VALUE")] = None,
    header: Annotated[list[str] | None, _option("Enter by this header.", "NAME=VALUE")] = None,
    query: Annotated[list[str] | None, _option("Enter by this query parameter.", "NAME=VALUE")] = None,
    baggage: Annotated[list[str] | None, _option("Enter by this W3C baggage member.", "NAME=VALUE")] = None,
    host: Annotated[list[str] | None, _option("Enter by this host.", "HOST")] = None,
    data: Annotated[
        list[str] | None,
        _option("Copy this store's data, for the branch alone.", "NAME[=empty|baseline|SNAPSHOT]"),
    ] = None,
    data_clients: Annotated[
        str | None,
        _option("Services that use the stores. Default: those seen using them. '' for none.", "NAME,..."),
    ] = None,
    data_before: Annotated[list[str] | None, _option("Run in the store's pods before copying.", "NAME=COMMAND")] = None,
    data_after: Annotated[list[str] | None, _option("Run in the copy's pods after it started.", "NAME=COMMAND")] = None,
    data_url: Annotated[list[str] | None, _option("Use a server that you run yourself.", "NAME=HOST:PORT")] = None,
    freeze_limit: Annotated[str, Option(metavar="DURATION", help="How long pods may stand still. Default: 2s.")] = "",
    fallback: Annotated[
        str,
        Option(metavar="fail|baseline", help="What to do while it is not ready."),
    ] = "",
    expires: Annotated[str, Option(metavar="DURATION|TIME", help="Default: 48h, or `up --branch-expires`.")] = "",
    wait: Annotated[bool, Option("--wait/--no-wait", help="Wait until the branch is ready.")] = True,
    timeout: TimeoutOption = 60.0,
    output: ObjectsOutputOption = "text",
) -> None:
    """Create a branch. Returns once Envoy has its routes and its forks answer, and prints the time of each step."""
    from meshmall.cli.branch.create import create as create_branch  # noqa: PLC0415
    from meshmall.cli.branch.names import current_git_branch, object_name  # noqa: PLC0415
    from meshmall.cli.branch.spec import BranchOptions  # noqa: PLC0415

    options = BranchOptions(
        forks=fork or (),
        env=env or (),
        image=image or (),
        command=command or (),
        replicas=replicas or (),
        folders=directory or (),
        versions=version or (),
        urls=url or (),
        new=new or (),
        includes=include or (),
        cookies=cookie or (),
        headers=header or (),
        queries=query or (),
        baggage=baggage or (),
        hosts=host or (),
        fallback=fallback,
        expires=expires,
        data=data or (),
        data_before=data_before or (),
        data_after=data_after or (),
        data_urls=data_url or (),
        freeze_limit=freeze_limit,
    )
    context = context_of(home, namespace)
    if filename is not None:
        body = _from_file(filename, options, name)
    else:
        git = current_git_branch() if from_git else ""
        given = name or git
        if not given:
            raise Failure("a branch needs a name", "meshmall branch create NAME, or --from-git", code=2)
        body = options.branch(object_name(given), git or given)
        if git:
            from meshmall.cli.branch.worktree import use_worktree  # noqa: PLC0415

            use_worktree(context, body)
            # Git branches are soon forgotten: put the expiry into the object itself, where everybody sees it.
            body["spec"].setdefault("expires", context.settings.branch_expires)
    notes: list[str] = []
    if body["spec"].get("data") and filename is None:
        from meshmall.cli.branch.data import resolve_stores  # noqa: PLC0415

        notes = resolve_stores(context, body, data_clients)
    create_branch(context, body, wait=wait, timeout=timeout, output=output, notes=notes)


def _from_file(filename: str, options: object, name: str | None) -> dict[str, Any]:
    from meshmall.cli.branch.spec import BranchOptions  # noqa: PLC0415
    from meshmall.manifests import read  # noqa: PLC0415

    if options != BranchOptions():
        raise Failure("-f cannot be combined with other options", code=2)
    objects = [body for body in read([filename]) if GroupKind.of(body) == BRANCH]
    if len(objects) != 1:
        raise Failure(f"{filename} has {len(objects)} Branches; create takes one", "for several: meshmall apply -f")
    if name is not None:
        objects[0].setdefault("metadata", {})["name"] = name
    return objects[0]


@branch.command("list")
def list_(
    home: HomeOption = None,
    namespace: NamespaceOption = None,
    all_namespaces: AllNamespacesOption = False,
    output: Annotated[str, Option("--output", "-o", help="table, json, yaml or name")] = "table",
) -> None:
    """List branches, least recently used first."""
    from meshmall.cli.branch.show import list_branches  # noqa: PLC0415

    list_branches(context_of(home, namespace), output, everywhere=all_namespaces)


@branch.command()
def show(
    name: Name,
    home: HomeOption = None,
    namespace: NamespaceOption = None,
    output: Annotated[str, Option("--output", "-o", help="text, json or yaml")] = "text",
) -> None:
    """Show a branch: what it changes, what answers, where branches overlap, and what is wrong."""
    from meshmall.cli.branch.names import object_name  # noqa: PLC0415
    from meshmall.cli.branch.show import show as show_one  # noqa: PLC0415

    show_one(context_of(home, namespace), object_name(name), output)


@branch.command()
def delete(
    names: Annotated[list[str], Argument(help="The branches.", complete="branch")],
    home: HomeOption = None,
    namespace: NamespaceOption = None,
    output: Annotated[str, Option("--output", "-o", help="text, json or name")] = "text",
) -> None:
    """Delete branches and everything created for them. The baseline is never touched."""
    from meshmall.cli.branch.create import delete as delete_all  # noqa: PLC0415
    from meshmall.cli.branch.names import object_name  # noqa: PLC0415

    delete_all(context_of(home, namespace), [object_name(name) for name in names], output)


@branch.command()
def extend(
    name: Name,
    duration: Annotated[str, Argument(help="Counted from now, for example 48h or 30m.")] = "48h",
    home: HomeOption = None,
    namespace: NamespaceOption = None,
    output: ObjectsOutputOption = "text",
) -> None:
    """Set a branch's expiry to a duration from now."""
    from meshmall.cli.branch.create import extend as extend_one  # noqa: PLC0415
    from meshmall.cli.branch.names import object_name  # noqa: PLC0415

    extend_one(context_of(home, namespace), object_name(name), duration, output)


@branch.command()
def fault(
    name: Name,
    service: Annotated[
        str, Argument(help="The service that fails or is slow, as this branch sees it.", complete="service")
    ],
    home: HomeOption = None,
    namespace: NamespaceOption = None,
    delay: Annotated[
        str, Option(metavar="DURATION", help="Wait this long before each request.", show_default=False)
    ] = "",
    abort: Annotated[
        str, Option(metavar="STATUS", help="Answer with this HTTP or gRPC status instead.", show_default=False)
    ] = "",
    percentage: Annotated[float, Option(metavar="NUMBER", help="The share of requests, 0-100.")] = 100.0,
    remove: Annotated[bool, Option("--clear", help="End the fault.")] = False,
    output: ObjectsOutputOption = "text",
) -> None:
    """Make a service slow or fail for the requests of one branch; nobody else notices. Kept in the Branch itself."""
    from meshmall.cli.branch.create import print_branch, require_format  # noqa: PLC0415
    from meshmall.cli.branch.fault import clear, fault_of, inject  # noqa: PLC0415
    from meshmall.cli.branch.names import object_name  # noqa: PLC0415

    context = context_of(home, namespace)
    require_format(context, output)
    if remove:
        if delay or abort:
            raise Failure("--clear cannot be combined with --delay and --abort", code=2)
        clear(context, object_name(name), service)
    else:
        inject(context, object_name(name), service, fault_of(delay, abort, percentage))
    if output != "text":
        print_branch(context, object_name(name), output)


@branch.command("open")
def open_(
    name: Name,
    home: HomeOption = None,
    namespace: NamespaceOption = None,
    only_print: PrintOption = False,
) -> None:
    """Print a branch's preview address and open it in a browser."""
    from meshmall.cli.branch.names import object_name  # noqa: PLC0415
    from meshmall.cli.branch.show import open_branch  # noqa: PLC0415

    open_branch(context_of(home, namespace), object_name(name), only_print=only_print)


@branch.command()
def diff(
    name: Name,
    paths: Annotated[list[str] | None, Argument(help="Paths at the gateway. Default: /")] = None,
    home: HomeOption = None,
    namespace: NamespaceOption = None,
    method: MethodOption = "GET",
    header: HeadersOption = None,
    data: Annotated[str, Option("--data", "-d", help="A request body, sent to both.")] = "",
    unsafe: Annotated[bool, Option("--unsafe", help="Allow methods that may change data.")] = False,
    host: Annotated[str, Option(metavar="HOST", help="The baseline's host.")] = "",
    ignore: Annotated[
        list[str] | None,
        Option(metavar="PATTERN", help="Differences to leave out, for example 'body .banner*'.", show_default=False),
    ] = None,
    report: Annotated[
        str, Option("--junit", metavar="FILE", help="Also write the result as JUnit XML, for CI.", show_default=False)
    ] = "",
    output: JsonOutputOption = "text",
) -> None:
    """Send the same requests to the baseline and a branch, and show what differs. Exit code 1 if anything does.

    What differs between two equal requests to the baseline is ignored.
    """
    from mesh.branches.compare import Ask  # noqa: PLC0415
    from meshmall.cli.branch.diff import header_of, show_differences  # noqa: PLC0415
    from meshmall.cli.branch.names import object_name  # noqa: PLC0415

    ask = Ask(method.upper(), tuple(map(header_of, header or ())), data, host)
    context = context_of(home, namespace)
    show_differences(
        context,
        object_name(name),
        paths or ["/"],
        ask,
        unsafe=unsafe,
        ignored=ignore or [],
        report=report,
        output=output,
    )


@branch.command(forwards=True)
def run(
    name: Name,
    command: Annotated[list[str], Argument(help="After --, the command and its arguments.")],
    home: HomeOption = None,
    namespace: NamespaceOption = None,
) -> None:
    """Run a command whose HTTP calls enter the branch, and exit with its exit code.

    The command gets HTTP_PROXY, and can call the services by name (http://products:7000) and the gateway. Node.js
    reads it from version 22.21; a Java program does not read it, and has to send the header 'baggage: branch=NAME'.
    """
    from meshmall.cli.branch.names import object_name  # noqa: PLC0415
    from meshmall.cli.branch.run import run_command  # noqa: PLC0415

    code = run_command(context_of(home, namespace), object_name(name), command)
    sys.exit(code)


@branch.command(forwards=True)
def dev(
    name: Name,
    service: Annotated[str, Argument(help="The service that the process stands in for.", complete="service")],
    command: Annotated[list[str], Argument(help="After --, the command and its arguments.")],
    home: HomeOption = None,
    namespace: NamespaceOption = None,
    watch: Annotated[list[str] | None, Option("--watch", metavar="FOLDER", help="Default: this folder.")] = None,
    cookie: Annotated[list[str] | None, _option("If it is new: enter by this cookie.", "NAME=VALUE")] = None,
    port: Annotated[int, Option(metavar="PORT", help="Run it on this machine, at this port.")] = 0,
) -> None:
    """Run a local process as the branch's service until Ctrl-C; restart it when its files change.

    With network namespaces the process is a pod of the branch, with this terminal (breakpoints work), the baseline's
    variables and volumes, and your PATH. On loopback addresses, or with --port, it runs here, with HOST, PORT, the
    baseline's variables and HTTP_PROXY. If the branch does not exist, it is created and deleted at the end; otherwise
    the service is restored at the end.
    """
    from meshmall.cli.branch.dev import develop  # noqa: PLC0415
    from meshmall.cli.branch.names import object_name  # noqa: PLC0415

    context = context_of(home, namespace)
    sys.exit(develop(context, object_name(name), service, command, watch or ["."], cookie or [], port))


@branch.command()
def render(
    names: Annotated[list[str], Argument(help="The branches; several share one set of rules.", complete="branch")],
    gateway_namespace: Annotated[str, Option(help="Where the pods of the cluster's gateway run.")] = "istio-system",
    preview_domain: Annotated[str, Option(help="The domain of the preview hosts.")] = "localhost",
    home: HomeOption = None,
    namespace: NamespaceOption = None,
) -> None:
    """Print Kubernetes and Istio YAML that does the same on a cluster, beside your own rules."""
    from meshmall.cli.branch.names import object_name  # noqa: PLC0415
    from meshmall.cli.branch.render import print_rendered  # noqa: PLC0415

    branches = [object_name(name) for name in names]
    print_rendered(
        context_of(home, namespace), branches, gateway_namespace=gateway_namespace, preview_domain=preview_domain
    )
