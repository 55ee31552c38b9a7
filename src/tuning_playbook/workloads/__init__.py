"""The Workload protocol and the built-in workloads: data, model, loss and metrics."""
