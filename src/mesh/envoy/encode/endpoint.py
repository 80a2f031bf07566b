"""Endpoints to Envoy's ClusterLoadAssignment messages."""

from envoy.config.endpoint.v3 import endpoint_components_pb2, endpoint_pb2

from mesh.routing.model.cluster import Endpoint


def encode_endpoints(name: str, endpoints: tuple[Endpoint, ...]) -> endpoint_pb2.ClusterLoadAssignment:
    """The endpoints of the cluster `name`, all in one locality."""
    message = endpoint_pb2.ClusterLoadAssignment(cluster_name=name)
    locality = message.endpoints.add()
    locality.load_balancing_weight.value = 1
    for endpoint in endpoints:
        host = endpoint_components_pb2.LbEndpoint()
        if endpoint.pipe:
            host.endpoint.address.pipe.path = endpoint.pipe
        else:
            host.endpoint.address.socket_address.address = endpoint.address
            host.endpoint.address.socket_address.port_value = endpoint.port
        if endpoint.weight:
            host.load_balancing_weight.value = endpoint.weight
        locality.lb_endpoints.append(host)
    return message
