"""`wayside config`: one file per group of verbs, joined in `app`."""
