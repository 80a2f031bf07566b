"""Our services as processes."""

from tests.contract.conftest import start

__all__ = ["start"]
