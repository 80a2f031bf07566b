"""Errors as Kubernetes reports them: its `Status` object (meta/v1), and the exception that carries one."""

from collections.abc import Sequence
from typing import Any

from mesh.resources.kind_definition import KindDefinition
from mesh.resources.values.problems import FieldError, Reason
from mesh.resources.values.ref import Ref

REASONS = {
    400: "BadRequest",
    401: "Unauthorized",
    403: "Forbidden",
    404: "NotFound",
    405: "MethodNotAllowed",
    406: "NotAcceptable",
    408: "Timeout",
    409: "Conflict",
    410: "Expired",
    413: "RequestEntityTooLarge",
    415: "UnsupportedMediaType",
    422: "Invalid",
    429: "TooManyRequests",
    500: "InternalError",
    501: "NotImplemented",
    503: "ServiceUnavailable",
    504: "Timeout",
    507: "InsufficientStorage",
}


class Problem(Exception):
    """Ends a request. `code` is the HTTP status, `causes` are Kubernetes' StatusCause objects."""

    def __init__(
        self,
        code: int,
        message: str,
        *,
        reason: str = "",
        ref: Ref | None = None,
        plural: str = "",
        causes: Sequence[dict[str, str]] = (),
        retry_after: int = 0,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.reason = reason or REASONS.get(code, "")
        self.ref = ref
        self.plural = plural
        self.causes = list(causes)
        self.retry_after = retry_after

    def status(self) -> dict[str, Any]:
        """The Status object."""
        details: dict[str, Any] = {}
        if self.ref is not None:
            details = {"name": self.ref.name} if self.ref.name else {}
            details["kind"] = self.plural or self.ref.kind
            if self.ref.group:
                details["group"] = self.ref.group
        if self.causes:
            details["causes"] = self.causes
        if self.retry_after:
            details["retryAfterSeconds"] = self.retry_after
        body: dict[str, Any] = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
            "reason": self.reason,
            "code": self.code,
        }
        if details:
            body["details"] = details
        return body


class Unreadable(Problem):
    """A body that is no object of the kind that is expected."""


def _resource(definition: KindDefinition) -> str:
    return f"{definition.plural}.{definition.group}" if definition.group else definition.plural


def not_found(definition: KindDefinition, ref: Ref) -> Problem:
    """404, in Kubernetes' words, which clients look for."""
    return Problem(404, f'{_resource(definition)} "{ref.name}" not found', ref=ref, plural=definition.plural)


def already_exists(definition: KindDefinition, ref: Ref) -> Problem:
    """409 to a create."""
    return Problem(
        409,
        f'{_resource(definition)} "{ref.name}" already exists',
        reason="AlreadyExists",
        ref=ref,
        plural=definition.plural,
    )


def conflict(definition: KindDefinition, ref: Ref, why: str) -> Problem:
    """409 to a change that does not fit the object's current state."""
    return Problem(
        409,
        f'Operation cannot be fulfilled on {_resource(definition)} "{ref.name}": {why}',
        ref=ref,
        plural=definition.plural,
    )


def refusal(definition: KindDefinition, ref: Ref, version: str, errors: Sequence[FieldError]) -> Problem:
    """The answer to an object that is wrong.

    400 when it cannot be read as one of `version`, and 403 when it refers to what does not exist: Kubernetes does not
    go on to validation then, and gives no causes. 422 otherwise.
    """
    if unreadable := [error for error in errors if error.reason.ends_reading]:
        return _unreadable(ref, version, unreadable)
    if missing := [error for error in errors if error.reason is Reason.NOT_ADMITTED]:
        message = f'{_resource(definition)} "{ref.name}" is forbidden: {missing[0].message}'
        return Problem(403, message, ref=ref, plural=definition.plural)
    return invalid(ref, errors)


def invalid(ref: Ref, errors: Sequence[FieldError]) -> Problem:
    """422, with a cause for each field."""
    kind = f"{ref.kind}.{ref.group}" if ref.group else ref.kind
    messages = [f"{error.path}: {error.message}" if error.path else error.message for error in errors]
    listed = messages[0] if len(messages) == 1 else f"[{', '.join(messages)}]"
    causes = [{"reason": error.reason.value, "message": error.message, "field": error.path} for error in errors]
    return Problem(422, f'{kind} "{ref.name}" is invalid: {listed}', ref=ref, plural=ref.kind, causes=causes)


def _unreadable(ref: Ref, version: str, errors: Sequence[FieldError]) -> Problem:
    malformed = [f"{error.path}: {error.message}" for error in errors if error.reason is Reason.MALFORMED]
    # In Kubernetes' words first: clients look for "unknown field", which our own hint follows.
    unknown = [
        f'unknown field "{error.path}"{error.message.removeprefix("unknown field")}'
        for error in errors
        if error.reason is Reason.UNKNOWN
    ]
    why = ", ".join(malformed) or f"strict decoding error: {', '.join(unknown)}"
    return Unreadable(400, f'{ref.kind} in version "{version}" cannot be handled as a {ref.kind}: {why}')


def unreadable_patch(problem: Unreadable) -> Problem:
    """422 for a patch after which an object can no longer be read, as Kubernetes answers it: the patch is to blame."""
    message = f"Invalid value: {problem.message}"
    cause = {"reason": Reason.INVALID.value, "message": message, "field": "patch"}
    return Problem(422, f"patch: {message}", causes=[cause])


def invalid_options(kind: str, field: str, reason: str, why: str) -> Problem:
    """422 for the options of a request (`kind` is ListOptions, DeleteOptions, ...), in the query or the body."""
    cause = {"reason": reason, "message": why, "field": field}
    ref = Ref("meta.k8s.io", kind, "", "")
    return Problem(422, f'{kind}.meta.k8s.io "" is invalid: {field}: {why}', ref=ref, causes=[cause])
