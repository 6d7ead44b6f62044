"""FastAGI: the port Asterisk asks where a call goes, and tells how it ended."""

from callserver.adapters.agi.call_scripts import CallScripts
from callserver.adapters.agi.server import AgiLimits, AgiServer
from callserver.adapters.agi.session import AgiSession

__all__ = ["AgiLimits", "AgiServer", "AgiSession", "CallScripts"]
