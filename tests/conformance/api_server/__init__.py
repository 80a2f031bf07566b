"""What a real kube-apiserver answers, beside what this API answers to the same requests.

`recorded/` has the answers (kube-apiserver 1.37 with its controller manager), `differences/` the cases in which this
API answers otherwise on purpose or not yet, each with its reason. `python -m tests.conformance.api_server` prints the
differences there are.
"""
