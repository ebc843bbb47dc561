"""From gold to `load_dataset`: splits, tables, card, the release folder and its publication."""
