"""Which tokens requests must have, for Envoy's JWT filter (envoy.extensions.filters.http.jwt_authn.v3).

The filters' configurations are resources of their own (Envoy's extension configuration discovery), so that a change
of one replaces no listener.
"""

from collections.abc import Sequence

from envoy.config.core.v3 import extension_pb2
from envoy.extensions.filters.http.jwt_authn.v3 import config_pb2

from mesh.envoy.encode.protobuf import packed
from mesh.routing.model.security import Authentication, JwtProvider, Requirement

# Where Envoy keeps the claims of tokens, whatever the filter is named.
PAYLOADS = "envoy.filters.http.jwt_authn"
FILTER_TYPE = "type.googleapis.com/envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication"
# A key whose private half nobody has, for an issuer whose keys could not be fetched: all of its tokens are refused.
NOBODY = '{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"nobody","x":"h4nh2AVXZjQ7fWOvGRCYhnNNdKVrLkSIsGqG3hOEVUI"}]}'


def encode_authentication(
    value: Authentication, before: Authentication | None = None
) -> extension_pb2.TypedExtensionConfig:
    """The configuration of one filter. What only `before` has stays in it: rows that refer to it may still be in force
    while they are being replaced, and Envoy refuses requests whose requirement it does not know."""
    message = config_pb2.JwtAuthentication(bypass_cors_preflight=True)
    former = before or Authentication(value.name)
    providers = {provider.name: provider for provider in (*former.providers, *value.providers)}
    for name, provider in providers.items():
        message.providers[name].CopyFrom(_provider(provider))
    required = frozenset(name for name, provider in providers.items() if provider.required)
    if value.at_gateway:
        for requirement in value.requirements:
            rule = message.rules.add(requires=_requirement(requirement, required))
            rule.match.prefix = "/"
    else:
        for requirement in (*former.requirements, *value.requirements):
            message.requirement_map[requirement_name(requirement)].CopyFrom(_requirement(requirement, required))
    return extension_pb2.TypedExtensionConfig(name=value.name, typed_config=packed(message))


def encode_requirement(requirement: Requirement) -> config_pb2.PerRouteConfig:
    """What a row requires, by its name in the filter's configuration."""
    return config_pb2.PerRouteConfig(requirement_name=requirement_name(requirement))


def requirement_name(requirement: Requirement) -> str:
    """A requirement's name in the filter's configuration."""
    return " ".join(requirement)


def _requirement(providers: Sequence[str], required: frozenset[str]) -> config_pb2.JwtRequirement:
    """For each provider a valid token, or none where it looks for one and does not require it. Where several look in
    one place and none is required, one of them that finds its token there is enough (as Istio has it)."""
    singles = [
        config_pb2.JwtRequirement(provider_name=name)
        if name in required
        else _one_of([config_pb2.JwtRequirement(provider_name=name), _missing()])
        for name in providers
    ]
    if len(singles) == 1:
        return singles[0]
    all_of_them = config_pb2.JwtRequirement()
    all_of_them.requires_all.requirements.extend(singles)
    if not required.isdisjoint(providers):
        # One optional token must not stand for a required one.
        return all_of_them
    return _one_of([*(config_pb2.JwtRequirement(provider_name=name) for name in providers), all_of_them])


def _one_of(parts: Sequence[config_pb2.JwtRequirement]) -> config_pb2.JwtRequirement:
    message = config_pb2.JwtRequirement()
    message.requires_any.requirements.extend(parts)
    return message


def _missing() -> config_pb2.JwtRequirement:
    message = config_pb2.JwtRequirement()
    message.allow_missing.SetInParent()
    return message


def _provider(provider: JwtProvider) -> config_pb2.JwtProvider:
    message = config_pb2.JwtProvider(
        issuer=provider.issuer,
        audiences=provider.audiences,
        forward=provider.forward,
        from_params=provider.params,
        from_cookies=provider.cookies,
        forward_payload_header=provider.payload_header,
        payload_in_metadata=provider.payload,
        clear_route_cache=provider.payload == "gateway",
    )
    message.local_jwks.inline_string = provider.keys or NOBODY
    for name, prefix in provider.headers:
        message.from_headers.add(name=name, value_prefix=prefix)
    for header, claim in provider.claim_headers:
        message.claim_to_headers.add(header_name=header, claim_name=claim)
    message.normalize_payload_in_metadata.space_delimited_claims.extend(provider.space_delimited)
    return message
