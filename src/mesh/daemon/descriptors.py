"""The limit of open descriptors, which for most users is lower than a mesh needs."""

import resource

# Enough for every connection that the API's bounds allow, and far from limits at which programs that close all
# possible descriptors become slow: the pods inherit it.
DESCRIPTORS = 65_536


def raise_descriptor_limit(aim: int = DESCRIPTORS) -> int:
    """Raises this process's soft limit as far as the hard one and `aim` allow. Returns the limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    possible = aim if hard == resource.RLIM_INFINITY else min(aim, hard)
    if soft == resource.RLIM_INFINITY or soft >= possible:
        return soft
    resource.setrlimit(resource.RLIMIT_NOFILE, (possible, hard))
    return possible
