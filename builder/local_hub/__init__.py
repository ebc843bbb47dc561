"""A Hub server on loopback, with real git behind the Hub's own protocol."""
