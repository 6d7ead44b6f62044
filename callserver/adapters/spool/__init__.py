"""Ended calls on disk while Redis is away."""

from callserver.adapters.spool.file import SpoolFile

__all__ = ["SpoolFile"]
