"""Mutated raw files, fed to the readers: whatever a file holds, it is read or refused with a sentence."""
