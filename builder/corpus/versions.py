"""The versions of the work on the corpus. Each is raised by hand when the same input gives another output.

They stand alone, so that staleness is known without loading what does the work.
"""

CLEAN = 3
COUNT = 1
SIGHTINGS = 2
"""What is counted. While the counts stay the same, it is raised alone, and nothing that was cleaned is stale."""
KEYS = 1
GROUPS = 1
