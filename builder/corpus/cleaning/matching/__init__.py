"""Boilerplate rules, compiled: which of them match a line, found in one pass over many lines."""
