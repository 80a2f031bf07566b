"""Drawn worlds judged by istiod: what an Envoy does that its configuration comes from, beside ours.

`make referee-rules` asks a real istiod; what it answered is recorded here, so that the tests need no Go.
"""
