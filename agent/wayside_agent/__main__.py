"""Runs the command line: `python -m wayside_agent`."""

from wayside_agent.cli.main import main

main()
