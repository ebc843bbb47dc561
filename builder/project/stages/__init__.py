"""What each command of the road reads and makes, and the state that follows: staleness, `status`, "next:" and `run`."""
