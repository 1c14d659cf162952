"""The door before the operator port: who may connect at all, and from where a connection came."""
