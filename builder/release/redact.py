"""Placeholders."""

PLACEHOLDERS = ("[email]", "[phone]", "[url]", "[mention]", "[iban]", "[ip]")
