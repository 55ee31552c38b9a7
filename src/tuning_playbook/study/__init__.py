"""Read and check a spec. No JAX and no NumPy."""
