"""How events reach what is behind a sink: HTTP, syslog, e-mail."""
