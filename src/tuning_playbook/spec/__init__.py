"""Read and check a study spec: hyperparameters, roles, conditions, distributions."""
