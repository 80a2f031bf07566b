"""`$(VAR)` in commands, arguments and values, as Kubernetes expands it.

Source: Kubernetes' Container.command and EnvVar.value. A reference to an undefined name stays as written, `$$` is
`$`, and a `$` before anything else is itself.
"""

import re
from collections.abc import Mapping

_REFERENCE = re.compile(r"\$(?:\$|\(([^)]*)\))")


def expand(text: str, variables: Mapping[str, str]) -> str:
    """Returns the text with its references replaced."""

    def replacement(match: re.Match[str]) -> str:
        name = match.group(1)
        if name is None:
            return "$"
        return variables.get(name, match.group())

    return _REFERENCE.sub(replacement, text)
