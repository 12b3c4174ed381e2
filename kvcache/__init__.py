"""Tensors of cached keys and values, and the bookkeeping of which token sits where."""
