"""The filters URLRewrite and RequestRedirect: paths are changed by the prefix that the rule's match took."""

import re
from dataclasses import replace

from mesh.resources.gateway_api.types import HTTPPathModifier, HTTPRequestRedirectFilter, HTTPURLRewriteFilter
from mesh.resources.values.hosts import SCHEME_PORTS
from mesh.routing.gateway_api.place import Where
from mesh.routing.model.match import Match
from mesh.routing.model.route import Redirect, Rewrite


def rewrite_of(rewrite: HTTPURLRewriteFilter | None, authority: str, match: Match) -> Rewrite | None:
    """`authority` is what a header filter sets `Host` to; the rewrite's own hostname wins over it."""
    if rewrite is None:
        return Rewrite(authority=authority) if authority else None
    rewritten = Rewrite(authority=rewrite.hostname or authority or None)
    if rewrite.path is None:
        return rewritten
    pattern, substitution = _substitution(rewrite.path, match)
    return replace(rewritten, regex=pattern, substitution=substitution)


def redirect_of(redirect: HTTPRequestRedirectFilter, match: Match, where: Where) -> Redirect:
    """Without a port, that of the scheme, else of the listener; no port where the scheme implies it. A place at this
    gateway has the port that clients really call."""
    scheme = redirect.scheme or where.scheme
    port = redirect.port or (SCHEME_PORTS[redirect.scheme] if redirect.scheme else where.place.port)
    if not redirect.hostname:
        port = where.ports.get(port, port)
    target = Redirect(
        status=redirect.status_code,
        scheme=redirect.scheme or None,
        authority=redirect.hostname or None,
        port=port if not redirect.hostname or port != SCHEME_PORTS[scheme] else None,
    )
    if redirect.path is None:
        return target
    if redirect.path.type == "ReplaceFullPath":
        return replace(target, path=redirect.path.replace_full_path or "/")
    pattern, substitution = _substitution(redirect.path, match)
    return replace(target, regex=pattern, substitution=substitution)


def _substitution(modifier: HTTPPathModifier, match: Match) -> tuple[str, str]:
    """A path's change as a regular expression and its substitution.

    A prefix is replaced by whole elements: Envoy's own prefix rewrite would make "//" or an empty path of some.
    """
    if modifier.type == "ReplaceFullPath":
        return "^.*$", (modifier.replace_full_path or "/").replace("\\", "\\\\")
    prefix = match.path.value if match.path is not None else ""
    replacement = (modifier.replace_prefix_match or "").rstrip("/").replace("\\", "\\\\")
    if not replacement:
        return f"^{re.escape(prefix)}/*", "/"
    return (f"^{re.escape(prefix)}", replacement) if prefix else ("^/", f"{replacement}/")
