"""RSS and Atom: faulty markup to a tree, entries to values, HTML to text."""
