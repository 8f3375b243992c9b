"""Symbols that have numbers in Temporal."""
