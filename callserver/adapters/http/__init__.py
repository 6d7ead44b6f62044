"""The HTTP API on aiohttp."""

from callserver.adapters.http.metrics import Metrics
from callserver.adapters.http.server import HttpServer
from callserver.adapters.http.services import HttpServices
from callserver.adapters.http.settings import HttpSettings

__all__ = ["HttpServer", "HttpServices", "HttpSettings", "Metrics"]
