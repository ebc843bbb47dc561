"""Redaction of personal data in published texts."""
