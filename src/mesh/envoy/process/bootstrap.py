"""What Envoy is started with: where its control plane is, and little else.

Socket paths are relative to the folder that it runs in, since a Unix socket's path may have at most 108 bytes.
"""

from typing import Any

NODE = "mesh-mall"
XDS_SOCKET = "xds.sock"
CONTROL_CLUSTER = "xds"
ADMIN_SOCKET = "admin.sock"
# Where Envoy writes a line for each request.
HOP_PIPE = "hops.pipe"
MOST_CONNECTIONS = 50_000
LARGEST_REGEX = 32_768
# How long Envoy waits until it tries again to reach a daemon that has died: at first, and at most. Its own pauses grow
# to 30 s, for which the next daemon would have to wait.
RECONNECT = {"retry_back_off": {"base_interval": "0.05s", "max_interval": "1s"}}
# Of Envoy's statistics nobody reads more than how many pods are set aside: Istio's metrics are made of what it reports
# of each request. A counter that is not kept costs neither memory for each cluster nor time for each request.
READ_STATISTICS = "outlier_detection"


def bootstrap(node: str = NODE) -> dict[str, Any]:
    """The bootstrap configuration as JSON."""
    ads = {"resource_api_version": "V3", "ads": {}}
    http2 = {
        "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
        "explicit_http_config": {"http2_protocol_options": {}},
    }
    return {
        "node": {"id": node, "cluster": node},
        "admin": {"address": {"pipe": {"path": ADMIN_SOCKET, "mode": 0o600}}},
        "dynamic_resources": {
            "ads_config": {
                "api_type": "DELTA_GRPC",
                "transport_api_version": "V3",
                "grpc_services": [{"envoy_grpc": {"cluster_name": CONTROL_CLUSTER, "retry_policy": RECONNECT}}],
                "set_node_on_first_message_only": True,
            },
            "cds_config": ads,
            "lds_config": ads,
        },
        "static_resources": {
            "clusters": [
                {
                    "name": CONTROL_CLUSTER,
                    "type": "STATIC",
                    "connect_timeout": "1s",
                    "typed_extension_protocol_options": {
                        "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": http2
                    },
                    "load_assignment": {
                        "cluster_name": CONTROL_CLUSTER,
                        "endpoints": [{"lb_endpoints": [{"endpoint": {"address": {"pipe": {"path": XDS_SOCKET}}}}]}],
                    },
                }
            ]
        },
        # Envoy's default bound for regexes (100) is too low for ordinary rules; Istio sets this one.
        "layered_runtime": {
            "layers": [
                {"name": "static", "static_layer": {"re2.max_program_size.error_level": LARGEST_REGEX}},
                # For `DataPlane.quieten`.
                {"name": "admin", "admin_layer": {}},
            ]
        },
        # A cluster's statistics are created when it is first used: most subsets never are.
        "deferred_stat_options": {"enable_deferred_creation_stats": True},
        "stats_config": {"stats_matcher": {"inclusion_list": {"patterns": [{"contains": READ_STATISTICS}]}}},
        "overload_manager": connection_limit(),
    }


def connection_limit() -> dict[str, Any]:
    """The overload manager's configuration; without it Envoy warns that connections have no limit."""
    return {
        "resource_monitors": [
            {
                "name": "envoy.resource_monitors.global_downstream_max_connections",
                "typed_config": {
                    "@type": "type.googleapis.com/envoy.extensions.resource_monitors."
                    "downstream_connections.v3.DownstreamConnectionsConfig",
                    "max_active_downstream_connections": MOST_CONNECTIONS,
                },
            }
        ]
    }
