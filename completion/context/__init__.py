"""What of the repository stands in front of a document in its prompt."""
