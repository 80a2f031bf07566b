"""Branch names: a git branch name is accepted wherever a branch is named."""

import hashlib
import re
import subprocess

from mesh.daemon.failure import Failure
from mesh.resources.meshmall.branch import LONGEST_NAME

GIT_LIMIT = 10.0


def object_name(text: str) -> str:
    """The Branch's name for what was typed: unchanged if it is a valid name, otherwise derived from a git branch name.

    `feature/New_Banner` gives `feature-new-banner`; a name that is cut, or could be confused with another, gets six
    characters of a hash. Raises Failure when nothing is left.
    """
    name = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
    if not name:
        raise Failure(f"{text!r} has neither a letter nor a digit to name a branch with", "use a-z, 0-9 and -")
    if name == text and len(name) <= LONGEST_NAME:
        return name
    plain = re.sub(r"[/_.]", "-", text) == name and "--" not in name
    if plain and len(name) <= LONGEST_NAME:
        return name
    digest = hashlib.sha256(text.encode()).hexdigest()[:6]
    return f"{name[: LONGEST_NAME - 7].rstrip('-')}-{digest}"


def current_git_branch() -> str:
    """The git branch of the current folder. Raises Failure."""
    try:
        ended = subprocess.run(
            ["git", "branch", "--show-current"],
            capture_output=True,
            text=True,
            timeout=GIT_LIMIT,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Failure(f"git failed: {error}", "name the branch yourself") from None
    name = ended.stdout.strip()
    if ended.returncode != 0:
        raise Failure(f"this folder is not a git repository: {ended.stderr.strip()}", "name the branch yourself")
    if not name:
        raise Failure("no git branch is checked out here (detached HEAD)", "git switch BRANCH, or name it yourself")
    return name
