"""Projects on a server that are brought up to date with labels.yaml: their pages, answers and drafts."""
