"""Between the record classes and the dicts of fastavro: generated, one module for each namespace."""
