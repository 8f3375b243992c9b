"""Exceptions of foldlog's public API."""

from __future__ import annotations


class FoldlogError(Exception):
    """Root of every error that foldlog raises on purpose."""
