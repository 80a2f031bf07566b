"""The commands of `meshmall branch`, their options and help."""

from typing import Annotated, Any

import typer

from mesh.daemon.failure import Failure
from meshmall.cli.options import HomeOption, NamespaceOption, context_of

HELP = """An own view of the running mall: what you change, and whose requests see it.

`meshmall branch create fox --cookie user=fox --fork discount --env BANNER=true` gives everybody with the cookie
`user=fox` a discount of their own; nobody else notices.
"""

Name = Annotated[str, typer.Argument(help="The branch's name; a git branch's name will do.")]

branch_app = typer.Typer(help=HELP, no_args_is_help=True, rich_markup_mode="markdown")


def _option(help_: str, metavar: str) -> typer.models.OptionInfo:
    return typer.Option(help=help_, metavar=metavar, show_default=False)  # type: ignore[no-any-return]


@branch_app.command()
def create(
    name: Annotated[str | None, typer.Argument(help="The branch's name; a git branch's name will do.")] = None,
    home: HomeOption = None,
    namespace: NamespaceOption = None,
    filename: Annotated[str | None, typer.Option("--filename", "-f", metavar="FILE", help="A Branch as YAML.")] = None,
    from_git: Annotated[bool, typer.Option("--from-git", help="Named after the git branch of this folder.")] = False,
    fork: Annotated[list[str] | None, _option("A service to copy from the baseline and change.", "SERVICE")] = None,
    env: Annotated[list[str] | None, _option("A variable of the forks, or of one.", "[SERVICE:]KEY=VALUE")] = None,
    image: Annotated[list[str] | None, _option("A fork's image.", "SERVICE=IMAGE")] = None,
    command: Annotated[list[str] | None, _option("A fork's command.", "SERVICE=COMMAND")] = None,
    replicas: Annotated[list[str] | None, _option("A fork's pods.", "SERVICE=NUMBER")] = None,
    version: Annotated[list[str] | None, _option("An existing version of a service.", "SERVICE=VERSION")] = None,
    url: Annotated[list[str] | None, _option("A process that you run yourself.", "SERVICE=URL")] = None,
    new: Annotated[list[str] | None, _option("A service only here.", "SERVICE:PORT=COMMAND")] = None,
    include: Annotated[list[str] | None, _option("Another branch whose changes are seen too.", "BRANCH")] = None,
    cookie: Annotated[list[str] | None, _option("Enter by a cookie.", "NAME=VALUE")] = None,
    header: Annotated[list[str] | None, _option("Enter by a header.", "NAME=VALUE")] = None,
    query: Annotated[list[str] | None, _option("Enter by a query parameter.", "NAME=VALUE")] = None,
    baggage: Annotated[list[str] | None, _option("Enter by a member of W3C baggage.", "NAME=VALUE")] = None,
    host: Annotated[list[str] | None, _option("Enter by a host.", "HOST")] = None,
    fallback: Annotated[
        str, typer.Option(metavar="fail|baseline", help="What answers where the branch is not ready.")
    ] = "",
    expires: Annotated[
        str, typer.Option(metavar="DURATION|TIME", help="When it ends. Default: 48h, or what `up` was told.")
    ] = "",
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Return when it answers.")] = True,
    timeout: Annotated[float, typer.Option(metavar="SECONDS", help="How long to wait.")] = 60.0,
) -> None:
    """Make a branch. Returns when every listener has it and its forks answer, with the time of each step."""
    from meshmall.cli.branch.create import create as make  # noqa: PLC0415
    from meshmall.cli.branch.names import current_git_branch, object_name  # noqa: PLC0415
    from meshmall.cli.branch.spec import Asked  # noqa: PLC0415

    asked = Asked(
        forks=fork or (),
        env=env or (),
        image=image or (),
        command=command or (),
        replicas=replicas or (),
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
    )
    context = context_of(home, namespace)
    if filename is not None:
        body = _from_file(filename, asked, name)
    else:
        git = current_git_branch() if from_git else ""
        named = name or git
        if not named:
            raise Failure("a branch needs a name", "meshmall branch create NAME, or --from-git", code=2)
        body = asked.branch(object_name(named), git or named)
        if git:
            # A git branch is soon forgotten: its end stands in the object itself, for all to see.
            body["spec"].setdefault("expires", context.home.settings().branch_expires)
    make(context, body, wait=wait, timeout=timeout)


def _from_file(filename: str, asked: object, name: str | None) -> dict[str, Any]:
    from meshmall.cli.branch.spec import Asked  # noqa: PLC0415
    from meshmall.manifests import read  # noqa: PLC0415

    if asked != Asked():
        raise Failure("-f FILE says all of it: no other option goes with it", code=2)
    objects = [body for body in read([filename]) if body.get("kind") == "Branch"]
    if len(objects) != 1:
        raise Failure(f"{filename} holds {len(objects)} Branches; create makes one", "meshmall apply -f takes many")
    if name is not None:
        objects[0].setdefault("metadata", {})["name"] = name
    return objects[0]


@branch_app.command("list")
def list_(
    home: HomeOption = None,
    namespace: NamespaceOption = None,
    all_namespaces: Annotated[bool, typer.Option("--all-namespaces", "-A")] = False,
    output: Annotated[str, typer.Option("--output", "-o", help="table, json or name")] = "table",
) -> None:
    """Show all branches, those first that nobody has used for longest."""
    from meshmall.cli.branch.show import list_branches  # noqa: PLC0415

    list_branches(context_of(home, namespace), output, everywhere=all_namespaces)


@branch_app.command()
def show(
    name: Name,
    home: HomeOption = None,
    namespace: NamespaceOption = None,
    output: Annotated[str, typer.Option("--output", "-o", help="text, json or yaml")] = "text",
) -> None:
    """Show what a branch changes, what answers, who won where branches overlap, and what is wrong."""
    from meshmall.cli.branch.names import object_name  # noqa: PLC0415
    from meshmall.cli.branch.show import show as show_one  # noqa: PLC0415

    show_one(context_of(home, namespace), object_name(name), output)


@branch_app.command()
def delete(
    names: Annotated[list[str], typer.Argument(help="The branches.")],
    home: HomeOption = None,
    namespace: NamespaceOption = None,
) -> None:
    """Delete branches and all that was made for them; the baseline is never touched."""
    from meshmall.cli.branch.create import delete as delete_all  # noqa: PLC0415
    from meshmall.cli.branch.names import object_name  # noqa: PLC0415

    delete_all(context_of(home, namespace), [object_name(name) for name in names])


@branch_app.command()
def extend(
    name: Name,
    duration: Annotated[str, typer.Argument(help="From now: 48h, 30m, ...")] = "48h",
    home: HomeOption = None,
    namespace: NamespaceOption = None,
) -> None:
    """Give a branch more time."""
    from meshmall.cli.branch.create import extend as extend_one  # noqa: PLC0415
    from meshmall.cli.branch.names import object_name  # noqa: PLC0415

    extend_one(context_of(home, namespace), object_name(name), duration)


@branch_app.command("open")
def open_(
    name: Name,
    home: HomeOption = None,
    namespace: NamespaceOption = None,
    only_print: Annotated[bool, typer.Option("--print", help="Print the address, open nothing.")] = False,
) -> None:
    """Print the branch's preview address and open it in a browser."""
    from meshmall.cli.branch.names import object_name  # noqa: PLC0415
    from meshmall.cli.branch.show import open_branch  # noqa: PLC0415

    open_branch(context_of(home, namespace), object_name(name), only_print=only_print)


@branch_app.command()
def diff(
    name: Name,
    paths: Annotated[list[str] | None, typer.Argument(help="Paths at the gateway. Default: /")] = None,
    home: HomeOption = None,
    namespace: NamespaceOption = None,
    method: Annotated[str, typer.Option("--request", "-X", metavar="METHOD")] = "GET",
    header: Annotated[list[str] | None, typer.Option("--header", "-H", metavar="'NAME: VALUE'")] = None,
    data: Annotated[str, typer.Option("--data", "-d", help="A body, sent to both.")] = "",
    unsafe: Annotated[bool, typer.Option("--unsafe", help="Also methods that change something.")] = False,
    host: Annotated[str, typer.Option(metavar="HOST", help="The host to ask the baseline for.")] = "",
    output: Annotated[str, typer.Option("--output", "-o", help="text or json")] = "text",
) -> None:
    """Send the same requests to baseline and branch, and show what differs. Exit code 1 when something does.

    What the baseline answers differently to two equal requests is left out.
    """
    from mesh.branches.compare import Ask  # noqa: PLC0415
    from meshmall.cli.branch.diff import header_of, show_differences  # noqa: PLC0415
    from meshmall.cli.branch.names import object_name  # noqa: PLC0415

    ask = Ask(method.upper(), tuple(map(header_of, header or ())), data, host)
    context = context_of(home, namespace)
    show_differences(context, object_name(name), paths or ["/"], ask, unsafe=unsafe, output=output)


PASSED_ON = {"allow_extra_args": True, "ignore_unknown_options": True}


@branch_app.command(context_settings=PASSED_ON)
def run(
    name: Name,
    command: Annotated[list[str], typer.Argument(help="After --, the command and its words.")],
    home: HomeOption = None,
    namespace: NamespaceOption = None,
) -> None:
    """Run a command whose HTTP calls enter the branch; its exit code is this one's.

    The command gets HTTP_PROXY, and reaches the services by name (http://products:7000) and the gateway.
    """
    from meshmall.cli.branch.names import object_name  # noqa: PLC0415
    from meshmall.cli.branch.run import run_command  # noqa: PLC0415

    code = run_command(context_of(home, namespace), object_name(name), command)
    raise typer.Exit(code)


@branch_app.command(context_settings=PASSED_ON)
def dev(
    name: Name,
    service: Annotated[str, typer.Argument(help="The service that the process answers for.")],
    command: Annotated[list[str], typer.Argument(help="After --, the command and its words.")],
    home: HomeOption = None,
    namespace: NamespaceOption = None,
    watch: Annotated[list[str] | None, typer.Option("--watch", metavar="FOLDER", help="Default: this folder.")] = None,
    cookie: Annotated[list[str] | None, _option("Where the branch is new: enter by a cookie.", "NAME=VALUE")] = None,
    port: Annotated[int, typer.Option(metavar="PORT", help="Where the process listens. Default: a free one.")] = 0,
) -> None:
    """Run a local process as the branch's service until Ctrl-C; it starts again when its files change.

    The process gets HOST, PORT, the baseline's variables and HTTP_PROXY. A branch that is not there is made, and
    deleted at the end; of one that is there, the service is put back as it was.
    """
    from meshmall.cli.branch.dev import Dev  # noqa: PLC0415
    from meshmall.cli.branch.names import object_name  # noqa: PLC0415

    context = context_of(home, namespace)
    raise typer.Exit(Dev(context, object_name(name), service, command, watch or ["."], cookie or [], port).run())


@branch_app.command()
def render(
    names: Annotated[list[str], typer.Argument(help="The branches; several go into one set of rules.")],
    home: HomeOption = None,
    namespace: NamespaceOption = None,
) -> None:
    """Print plain Kubernetes and Istio YAML that does the same on a cluster."""
    from meshmall.cli.branch.names import object_name  # noqa: PLC0415
    from meshmall.cli.branch.render import print_rendered  # noqa: PLC0415

    print_rendered(context_of(home, namespace), [object_name(name) for name in names])
