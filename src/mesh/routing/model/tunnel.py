"""Tunnels that a proxy's clients open with CONNECT: gRPC's C core does so whenever `http_proxy` is set.

What comes through a tunnel is HTTP like all that comes to the same listener, so the tunnel leads back there: the
requests in it name their host, meet the rules, and come from the same caller.
"""

# The cluster of all tunnels, and the header in which Envoy's own script writes where one leads.
TUNNEL, TUNNEL_HEADER = "TunnelToProxy", "x-mesh-tunnel"
