"""From annotations to gold: votes, decisions and the Dawid-Skene model."""
