"""Schedules: when they are due, what to do when actions overlap, and the workflows that carry them out.

What users see of them is `foldlog.client`'s.
"""
