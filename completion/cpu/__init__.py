"""Decoders of the Llama kind on a CPU: 8-bit weights, kernels compiled for the processor at hand."""
