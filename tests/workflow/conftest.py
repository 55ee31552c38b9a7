IN_ONE_JOB = {"resources.trials_per_job": 16}
