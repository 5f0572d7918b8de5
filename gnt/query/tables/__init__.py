"""One module per kind of object: ``FIELDS``, one row per field, and ``DEFAULT``."""
