"""Decide whether a run may be released. Pure: no files, no clock; records in, a verdict out."""
