"""Whether recorded messages keep the rules: suites, rules, and a report that is the same on every machine."""
