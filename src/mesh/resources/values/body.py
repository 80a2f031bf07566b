"""The JSON object, the form in which objects are stored and cross the API."""

from typing import Any

Body = dict[str, Any]
