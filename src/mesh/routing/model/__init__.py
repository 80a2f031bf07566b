"""What the mesh should do with a request, as plain values: the result of compiling the resources.

A `Snapshot` is built as one value, compared with the last and passed to `mesh.envoy`, which alone knows Envoy's
messages. Names of clusters follow Istio: `outbound|<port>|<subset>|<host>`.

Times are seconds. Every value is immutable and hashable, so that a part that did not change is recognized by
equality. `origins` name the objects that a value was made from: a refusal by Envoy is shown on them.
"""
