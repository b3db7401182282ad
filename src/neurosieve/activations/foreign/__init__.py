"""Activations that other tools wrote: NeuroX HDF5 and JSON, NumPy and safetensors arrays."""
