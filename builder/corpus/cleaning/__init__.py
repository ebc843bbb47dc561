"""Boilerplate removal: the rule engine and the cleaning stage."""
