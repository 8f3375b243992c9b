"""Numbers of Temporal's API, by which programs that come from there tell events of histories apart."""

from foldlog.schemas.names import EventType

__all__ = ["EventType"]
