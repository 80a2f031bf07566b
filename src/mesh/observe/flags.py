"""Envoy's response flags in words: why a request has no response of a pod."""

FLAGS = {
    "UH": "no pod was ready to answer",
    "UF": "the pod could not be reached",
    "UC": "the pod closed the connection before it responded",
    "UT": "the pod did not respond in time",
    "UR": "the pod reset the request",
    "UO": "too many requests at once (circuit breaker)",
    "NR": "no rule matches the request",
    "DI": "a fault rule delayed it",
    "FI": "a fault rule responded",
    "URX": "all retries failed",
    "DC": "the caller disconnected before the response",
}


def in_words(flags: str) -> list[str]:
    """What the flags of a request ("UH,NR") mean; those without a meaning for people are left out."""
    return [FLAGS[flag] for flag in flags.split(",") if flag in FLAGS]
