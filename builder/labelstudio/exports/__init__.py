"""Exports of other Label Studio servers: read their tasks and merge their annotations, each once, under its person."""
