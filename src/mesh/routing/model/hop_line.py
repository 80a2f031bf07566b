"""The line that Envoy writes for each HTTP request: which fields it has, and how long they may be.

What clients write comes last, so that a value with a tab in it can shift nothing but values of the same request. Envoy
refuses requests that would have a line feed in one of these fields.
"""

MARK = "hop"
SEPARATOR = "\t"
# Of the path and the host; of an `x-request-id` of 128 characters with a branch's mark; and of what else comes from
# outside: less than anybody could flood the memory with. In bytes.
LONGEST_PATH = 512
LONGEST_HOST = 255
LONGEST_ID = 192
LONGEST_TRACEPARENT = 128
LONGEST_LABEL = 512
LONGEST_METHOD = 16
# Two numbers for the time: microseconds, which Envoy does not have for every request, and milliseconds.
FIELDS = (
    "mark",
    "start",
    "microseconds",
    "milliseconds",
    "listener",
    "upstream",
    "cluster",
    "route",
    "status",
    "flags",
    "received",
    "sent",
    "branch",
    "original_trace",
    "label",
    "method",
    "request_id",
    "traceparent",
    "authority",
    "path",
)
