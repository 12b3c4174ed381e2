"""Making drafts: training what guesses for a target."""
