"""Records to Avro bodies and back, in straight-line Python that is generated from the schemas.

Internal: `foldlog.schemas.framing` puts the header before a body and is what everybody else uses. `primitives` is
written by hand; the other modules are written by `python -m foldlog.schemas.generate`. They do what fastavro would
do with the same schema, byte for byte (the tests compare the two), without a schema to walk, a dict in between or a
union to validate for each record, which is what fastavro's time goes into for records this small.
"""
