"""What is signed of releases: two TUF repositories, as Uptane splits them (ADR 0020)."""
