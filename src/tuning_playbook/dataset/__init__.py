"""The xarray schema: write one pack, collect a study, read it back."""
