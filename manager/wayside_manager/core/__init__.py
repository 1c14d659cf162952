"""Rules of the manager: pure functions and readable tables. No await, no clock, no file, no protobuf."""
