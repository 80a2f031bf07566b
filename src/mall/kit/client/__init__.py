"""The client's side of HTTP/1.1: calls to other services over kept connections, without threads or tasks."""
