"""The server's side of HTTP/1.1: reading requests, answering them in order, connections, and the end of all that."""
