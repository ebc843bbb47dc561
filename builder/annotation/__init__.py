"""From a batch to gold: the annotation page, its server, and what is made of the answers."""
