"""The manager of Wayside: knows every unit, what each should be, what each is, and how to get from one to the other."""
