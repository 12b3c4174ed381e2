"""The command line: ``splice`` and its commands."""
