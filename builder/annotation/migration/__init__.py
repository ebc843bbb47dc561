"""Migration of annotations to another labels.yaml: versions, steps, rewriting, and what pages asked. Pure."""
