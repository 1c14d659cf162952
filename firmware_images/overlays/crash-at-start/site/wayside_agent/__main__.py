"""FAULTY ON PURPOSE. The release ends as soon as it starts; the launcher must go back by itself."""

raise SystemExit("wayside-agent: this release is faulty on purpose: it crashes at its start")
