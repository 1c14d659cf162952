"""What the manager remembers: SQL database, artifact directory, wake-ups inside one process."""
