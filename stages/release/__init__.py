"""What a release must not lose: figures against those committed, the champion against the last release's model."""
