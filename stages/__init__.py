"""The pipeline: one short file per DVC stage over the rooms behind it."""
