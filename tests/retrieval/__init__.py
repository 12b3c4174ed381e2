"""Tests of the repository's index."""
