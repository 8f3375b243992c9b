"""What converters, codecs and interceptors see of records, in the shape in which Temporal's SDK shows it."""
