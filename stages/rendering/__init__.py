"""Photographs of hands that nobody has: a rigged mesh, posed as letters, lit, rendered and found by MediaPipe."""
