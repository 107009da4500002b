"""Commands that a person types; each parses, calls a room and maps errors to an exit code."""
