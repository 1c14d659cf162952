"""AccessService: people and programs, their credentials and the policy."""
