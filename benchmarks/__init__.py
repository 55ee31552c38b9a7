"""What the workflow costs against a bare script, as ratios: `python -m benchmarks`."""
