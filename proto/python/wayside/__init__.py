"""The contract between the agent and the manager."""
