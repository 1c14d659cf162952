"""The short-lived process that judges releases and writes them into slots; nothing of it is imported by the daemon."""
