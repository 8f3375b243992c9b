"""Recorded histories of the examples: what `cases` lists, `record` records and tests/unit/examples replays."""
