"""Interceptors: a value that goes along, calls that are signed and refused, and traces."""
