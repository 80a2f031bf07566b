"""How tests make hops and spans between three pods of a small mall."""

from collections.abc import Callable

from mesh.observe.hops import Hop
from mesh.observe.spans import Span

IP = {"mall": "127.1.0.1", "products": "127.1.0.2", "stock": "127.1.0.3"}
MakeHop = Callable[..., Hop]
MakeSpan = Callable[..., Span]
