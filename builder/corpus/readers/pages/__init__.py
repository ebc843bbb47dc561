"""Web pages: their text, what they say of it, and the readers of HTML files and WARC archives."""
