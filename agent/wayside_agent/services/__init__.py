"""Services: each waits for one thing and keeps it going; `app.py` runs them in one TaskGroup."""
