"""Quality filters and stratified sampling of articles."""
