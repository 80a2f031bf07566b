"""Who calls through a listener, kept as filter state of the connection so that route matches and RBAC can ask.

A pod has a listener of its own, so the listener says who calls. It cannot be a request header: a pod could write that.
"""

from envoy.extensions.filters.common.set_filter_state.v3 import value_pb2
from envoy.extensions.filters.network.set_filter_state.v3 import set_filter_state_pb2

from mesh.routing.model.listener import Source

CALLER_KEY = "mesh.source"


def caller_token(key: str, value: str) -> str:
    """One label of the calling pod as text of the filter state; the bars keep `app=a` from matching `app=ab`."""
    return f"|{key}={value}|"


def caller_state(source: Source) -> set_filter_state_pb2.Config:
    """The network filter that writes `|namespace=mesh||@principal=...||app=products|` when a connection opens."""
    labels = (("namespace", source.namespace), ("@principal", source.principal), *source.labels)
    value = value_pb2.FilterStateValue(object_key=CALLER_KEY, factory_key="envoy.string")
    text = "".join(caller_token(key, label) for key, label in labels)
    # The text is a format string of Envoy's access log: a percent sign would begin a command.
    value.format_string.text_format_source.inline_string = text.replace("%", "%%")
    return set_filter_state_pb2.Config(on_new_connection=[value])
