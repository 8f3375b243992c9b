"""What foldlog does, told once for every environment: in memory and on a real broker.

`scenarios` has the scenarios. tests/unit/testing/test_conformance.py runs them in memory, tests/integration/
test_conformance.py on Kafka.
"""
