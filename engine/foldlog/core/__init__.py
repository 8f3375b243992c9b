"""The pure engine: state, state machine and the seam to workflow code. No I/O, no clock, no randomness, no Kafka.

Everything here is called with what happened and the time at which it did, and answers with records and effects.
"""
