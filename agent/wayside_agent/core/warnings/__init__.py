"""Which warnings a vehicle gives its driver: a picture of what is around, a rule for each, when they begin and end."""
