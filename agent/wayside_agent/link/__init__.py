"""What leaves the unit: the manager over gRPC, the broker over MQTT, and the spool of what is owed to both."""
