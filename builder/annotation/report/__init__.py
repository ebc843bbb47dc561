"""The agreement report: figures as text, tables, plots and an HTML page."""
