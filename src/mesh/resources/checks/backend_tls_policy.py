"""What the schema of BackendTLSPolicy refuses."""

from collections import Counter
from collections.abc import Iterator

from mesh.resources.gateway_api.backend_tls_policy import (
    SYSTEM,
    BackendTLSPolicy,
    BackendTLSPolicyValidation,
    SubjectAltName,
)
from mesh.resources.values.names import none_of, wrong_subdomain
from mesh.resources.values.problems import FieldError, required

Errors = Iterator[FieldError]
MOST_TARGETS, MOST_NAMES, MOST_AUTHORITIES = 16, 5, 8


def check_backend_tls_policy(policy: BackendTLSPolicy) -> Errors:
    """Everything wrong with a BackendTLSPolicy by itself."""
    targets = policy.spec.target_refs
    if not targets:
        yield required("spec.targetRefs", "is empty; name at least one Service")
    if len(targets) > MOST_TARGETS:
        yield FieldError("spec.targetRefs", f"has {len(targets)} targets; at most {MOST_TARGETS}")
    counted = Counter((target.group, target.kind, target.name) for target in targets)
    for number, target in enumerate(targets):
        if counted[target.group, target.kind, target.name] > 1 and not target.section_name:
            yield FieldError("spec.targetRefs", f"{target.kind} {target.name} is there twice; give each a sectionName")
        if target.section_name and target in targets[:number]:
            yield FieldError(
                "spec.targetRefs", f'{target.kind} {target.name} is there twice for "{target.section_name}"'
            )
    yield from _validation(policy.spec.validation)


def _validation(validation: BackendTLSPolicyValidation) -> Errors:
    where = "spec.validation"
    if wrong := wrong_subdomain(validation.hostname):
        yield FieldError(f"{where}.hostname", wrong)
    if validation.ca_certificate_refs and validation.well_known_ca_certificates:
        yield FieldError(where, "has both caCertificateRefs and wellKnownCACertificates; use one of them")
    if not validation.ca_certificate_refs and not validation.well_known_ca_certificates:
        yield FieldError(where, f"has neither caCertificateRefs nor wellKnownCACertificates: {SYSTEM}; use one of them")
    for field, count, most in (
        ("caCertificateRefs", len(validation.ca_certificate_refs), MOST_AUTHORITIES),
        ("subjectAltNames", len(validation.subject_alt_names), MOST_NAMES),
    ):
        if count > most:
            yield FieldError(f"{where}.{field}", f"has {count} entries; at most {most}")
    for number, name in enumerate(validation.subject_alt_names):
        yield from _name(name, f"{where}.subjectAltNames[{number}]")


def _name(name: SubjectAltName, path: str) -> Errors:
    yield from none_of(name.type, ("Hostname", "URI"), f"{path}.type")
    for type_, field, value in (("Hostname", "hostname", name.hostname), ("URI", "uri", name.uri)):
        if type_ == name.type and not value:
            yield FieldError(path, f"{field} is missing; type {type_} needs it")
        if type_ != name.type and value:
            yield FieldError(path, f"{field} cannot be used with type {name.type[:80]}")
