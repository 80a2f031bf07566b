"""What every service of the mall shares: serving, calling, context, errors, logs, health, settings."""
