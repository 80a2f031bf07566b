"""Branches to what they change: at each host, which requests go elsewhere, and where they enter. Pure.

A request carries its branch in the header `x-branch`. A host has one look-up by that header, however many branches
there are; its result is the host's own rows with other destinations, so that the team's timeouts, retries and headers
stay.
"""
