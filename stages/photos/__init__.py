"""Photographs: found in folders, read, and turned into hand landmarks."""
