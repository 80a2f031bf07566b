"""Jobs and CronJobs: pods that run to completion, now or when a schedule says so."""
