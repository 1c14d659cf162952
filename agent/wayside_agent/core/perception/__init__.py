"""What sensors at the road see, made into roadside safety messages (RSM)."""
