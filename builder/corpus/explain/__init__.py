"""What cleaning did to one page, as text and as HTML."""
