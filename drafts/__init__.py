"""Drafters for speculative decoding and the verification of their drafts."""
