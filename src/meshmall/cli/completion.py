"""`meshmall completion`: the script by which a shell asks this program what may come next."""

PROGRAM = "meshmall"
VARIABLE = "_MESHMALL_COMPLETE"

BASH = """\
_meshmall_completion() {
    local IFS=$'\\n'
    COMPREPLY=( $( env COMP_WORDS="${COMP_WORDS[*]}" COMP_CWORD=$COMP_CWORD \\
                   _MESHMALL_COMPLETE=complete_bash "$1" ) )
    # `deployment/` goes on with a name.
    [[ ${COMPREPLY[*]} == */ ]] && compopt -o nospace
    return 0
}
complete -o default -F _meshmall_completion meshmall
"""


def script(shell: str) -> str:
    """What the shell has to read, by typer's protocol."""
    if shell == "bash":
        return BASH
    from typer._completion_shared import get_completion_script  # noqa: PLC0415 - slow to import

    return get_completion_script(prog_name=PROGRAM, complete_var=VARIABLE, shell=shell)
