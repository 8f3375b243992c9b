"""Shapes that are used everywhere."""
