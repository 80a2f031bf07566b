"""A pod's network: links and addresses by rtnetlink, the redirect rules by nftables, and the pods' resolver.

Everything here runs inside the agent's process, so it imports nothing but the standard library's small modules.
"""
