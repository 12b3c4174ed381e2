"""The index of the repository: chunks, search, context for completions."""
